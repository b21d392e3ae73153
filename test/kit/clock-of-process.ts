import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where Debian keeps it, whatever the machine's architecture. */
const library = (): string => {
  const found = readdirSync('/usr/lib')
    .map((folder) => `/usr/lib/${folder}/faketime/libfaketimeMT.so.1`)
    .find((file) => existsSync(file));
  if (found === undefined) throw new Error('libfaketime is not installed; hack/install.sh test installs it');
  return found;
};

/** The wall clock of a process that runs with `env`. It can be set while the process runs; monotonic time goes on. */
export class ClockOfProcess {
  readonly #folder = mkdtempSync(join(tmpdir(), 'portolan-clock-'));
  readonly env: Readonly<Record<string, string>>;

  constructor() {
    this.set(0);
    this.env = {
      LD_PRELOAD: library(),
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      // How long (s) it may take until a new offset is seen.
      FAKETIME_CACHE_DURATION: '1',
    };
  }

  get #file(): string {
    return join(this.#folder, 'offset');
  }

  /** Seconds by which it differs from the machine's clock; seen within a second. */
  set(seconds: number): void {
    const next = join(this.#folder, 'next');
    writeFileSync(next, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    renameSync(next, this.#file);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
