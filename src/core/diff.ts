import type { Failure } from './failure.ts';
import { parseJson } from './json.ts';
import { printable } from './printable.ts';
import type { PlanLine, PlanView, ProxyPlanView, TargetPlan } from './status.ts';

/** How a part of the text is meant; who prints it chooses the colour. */
export type PlanStyle = 'target' | 'create' | 'update' | 'delete' | 'leave' | 'failure' | 'faint';
export type Paint = (style: PlanStyle, text: string) => string;

export const PLAIN: Paint = (_style, text) => text;

interface Look {
  readonly mark: string;
  readonly words: string;
  readonly style: PlanStyle;
  /** For the summary: `2 to create`. */
  readonly count: string;
}

/** In the order of the summary. `forget` and `restore` touch the ledger only, never a record. */
const LOOKS: Readonly<Record<PlanLine['action'], Look>> = {
  create: { mark: '+', words: 'create', style: 'create', count: 'to create' },
  update: { mark: '~', words: 'update', style: 'update', count: 'to update' },
  delete: { mark: '-', words: 'delete', style: 'delete', count: 'to delete' },
  restore: { mark: '~', words: 'restore', style: 'update', count: 'to restore' },
  forget: { mark: '~', words: 'forget', style: 'update', count: 'to forget' },
  leave: { mark: '=', words: 'leave alone', style: 'leave', count: 'left alone' },
};

const WIDTH = Math.max(...Object.values(LOOKS).map(({ words }) => words.length));

/** The plan as people read it: grouped by target, each change and each record left alone with its reason. */
export function renderPlan(view: PlanView, paint: Paint = PLAIN): string {
  const { targets, proxies } = view;
  if (targets.length + proxies.length === 0) return 'There is no registry to compare with.\n';
  const parts = [
    ...targets.map((target) => renderTarget(target, paint)),
    ...proxies.map((proxy) => renderProxy(proxy, paint)),
  ];
  return parts.join('\n');
}

/** Changes that a pass would make now; records left alone are none. */
export function countChanges({ targets, proxies }: PlanView): number {
  const count = (lines: readonly PlanLine[]): number =>
    lines.filter(({ action }) => action !== 'leave').length;
  return (
    targets.reduce((sum, { lines }) => sum + count(lines), 0) +
    proxies.reduce((sum, { lines, files }) => sum + count(lines) + files.length, 0)
  );
}

/** Every part of it could be told. */
export function isWhole({ targets, proxies }: PlanView): boolean {
  return [...targets, ...proxies].every(({ failure }) => failure === undefined);
}

function renderTarget({ target, engine, failure, lines }: TargetPlan, paint: Paint): string {
  const of = engine === undefined ? '' : ` for ${engine}`;
  const head = paint('target', printable(`${target}${of}`));
  if (failure !== undefined) return renderFailure(head, failure, paint);
  const body = lines.flatMap((line) => renderLine(line, paint));
  return `${[head, ...body, `  ${summary(lines)}`].join('\n')}\n`;
}

function renderFailure(head: string, { message, code }: Failure, paint: Paint): string {
  const why = printable(`cannot be observed: ${message}`);
  return `${head}\n  ${paint('failure', `! ${why}`)} ${paint('faint', `[${code}]`)}\n`;
}

function renderProxy({ proxy, failure, lines, commands, files }: ProxyPlanView, paint: Paint): string {
  const head = paint('target', printable(`proxy ${proxy}`));
  if (failure !== undefined) return renderFailure(head, failure, paint);
  const body = lines.flatMap((line) => renderLine(line, paint));
  const sent = commands.map((command) => `      ${printable(command)}`);
  const diffs = files.flatMap(({ diff }) => renderDiff(diff, paint));
  return `${[
    head,
    ...body,
    ...(sent.length === 0 ? [] : ['  Run-time commands:', ...sent]),
    ...(diffs.length === 0 ? [] : ['  Files:', ...diffs]),
    `  ${summary(lines, files.length)}`,
  ].join('\n')}\n`;
}

const DIFF_STYLES: Readonly<Record<string, PlanStyle>> = { '+': 'create', '-': 'delete', '@': 'faint' };

function renderDiff(diff: string, paint: Paint): readonly string[] {
  return diff
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => {
      const style = DIFF_STYLES[line[0] ?? ''];
      return `      ${style === undefined ? printable(line) : paint(style, printable(line))}`;
    });
}

function renderLine(line: PlanLine, paint: Paint): string[] {
  const { mark, words, style } = LOOKS[line.action];
  const head = `  ${paint(style, `${mark} ${words.padEnd(WIDTH)}`)}  ${printable(line.key)}`;
  const details = detailsOf(line).map((text) => `      ${paint('faint', printable(text))}`);
  return [`${head}  ${paint('faint', `# ${printable(line.reason)}`)}`, ...details];
}

function detailsOf({ action, before, after }: PlanLine): string[] {
  if (action === 'create' && after !== undefined) return [after];
  if (action === 'update' && before !== undefined && after !== undefined)
    return before === after ? ['the same value, under another lease or none'] : compareValues(before, after);
  return [];
}

/** What differs between two values, field by field when both are JSON objects. */
export function compareValues(before: string, after: string): string[] {
  const old = parseJson(before);
  const fresh = parseJson(after);
  if (!isObject(old) || !isObject(fresh)) return [`${before} -> ${after}`];
  const differences = compareObjects(old, fresh, '');
  return differences.length > 0 ? differences : ['the same fields, written differently'];
}

type Fields = Readonly<Record<string, unknown>>;

function compareObjects(before: Fields, after: Fields, above: string): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => {
    const path = `${above}${name}`;
    if (!Object.hasOwn(after, name)) return [`${path}: ${show(before[name])} -> (none)`];
    if (!Object.hasOwn(before, name)) return [`${path}: (none) -> ${show(after[name])}`];
    const old = before[name];
    const fresh = after[name];
    if (isObject(old) && isObject(fresh)) return compareObjects(old, fresh, `${path}.`);
    return show(old) === show(fresh) ? [] : [`${path}: ${show(old)} -> ${show(fresh)}`];
  });
}

const show = (value: unknown): string => JSON.stringify(value);

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function summary(lines: readonly PlanLine[], files = 0): string {
  const counts = new Map<PlanLine['action'], number>();
  for (const { action } of lines) counts.set(action, (counts.get(action) ?? 0) + 1);
  const parts = Object.entries(LOOKS).flatMap(([action, { count }]) => {
    const number = counts.get(action as PlanLine['action']);
    return number === undefined ? [] : [`${number} ${count}`];
  });
  if (files > 0) parts.push(`${files} ${files === 1 ? 'file' : 'files'} to write`);
  const changes = files > 0 || lines.some(({ action }) => action !== 'leave');
  const start = changes ? 'Plan' : 'No changes';
  return parts.length === 0 ? `${start}.` : `${start}: ${parts.join(', ')}.`;
}
