import type { Layout, OwnerFacts } from '../core/layout.ts';
import type { DesiredRecord } from '../core/record.ts';

/** The keys of one layout that this host wants now; the record that lists them is made only when it is read. */
export class HostList {
  readonly #prefix: string;
  readonly #keys = new Set<string>();
  #sorted: readonly string[] | undefined;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** True when the list is another one now. */
  note(key: string, wanted: boolean): boolean {
    if (!key.startsWith(this.#prefix) || this.#keys.has(key) === wanted) return false;
    if (wanted) this.#keys.add(key);
    else this.#keys.delete(key);
    this.#sorted = undefined;
    return true;
  }

  record(
    layout: Layout,
    owner: OwnerFacts,
    { key, group, leased }: Omit<DesiredRecord, 'value'>,
  ): DesiredRecord {
    const listed = (): readonly string[] => (this.#sorted ??= [...this.#keys].sort());
    let made: { readonly of: readonly string[]; readonly value: string } | undefined;
    return {
      ...{ key, group, leased },
      get value() {
        const of = listed();
        if (made?.of !== of) made = { of, value: layout.encodeHost(owner, of)?.value ?? '' };
        return made.value;
      },
    };
  }
}
