import { printable } from '../core/printable.ts';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  /** Only in the wide form. */
  readonly wide?: true;
  /** Longest cell in the narrow form; default 40. */
  readonly max?: number;
}

const MAX = 40;
const GAP = '  ';

/** Aligned columns. The narrow form leaves columns out and cuts long cells; the wide one shows everything. */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  wide: boolean,
): string {
  const shown = columns.filter((column) => wide || column.wide === undefined);
  const cells = rows.map((row) =>
    shown.map((column) => fit(column.cell(row), wide ? undefined : (column.max ?? MAX))),
  );
  const lines = [shown.map(({ title }) => title), ...cells];
  const widths = shown.map((_, index) => Math.max(...lines.map((line) => width(line[index] ?? ''))));
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, index) => pad(cell, widths[index] ?? 0))
          .join(GAP)
          .trimEnd()}\n`,
    )
    .join('');
}

/** What comes from outside must not move the cursor, and an empty cell must not shift what follows. */
function fit(text: string, max: number | undefined): string {
  const safe = printable(text);
  if (safe === '') return '-';
  const letters = Array.from(safe);
  return max === undefined || letters.length <= max ? safe : `${letters.slice(0, max - 1).join('')}…`;
}

const width = (text: string): number => Array.from(text).length;
const pad = (text: string, to: number): string => text + ' '.repeat(Math.max(0, to - width(text)));
