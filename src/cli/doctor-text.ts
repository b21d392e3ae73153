import type { Paint } from '../core/diff.ts';
import type { DoctorView, Finding, Severity } from '../core/doctor.ts';
import { printable } from '../core/printable.ts';

const MARKS: Readonly<Record<Severity, string>> = { error: 'ERROR', warning: 'WARN', info: 'ok' };

/** What was found, the gravest first, each with its remedy, and one line that sums it up. */
export function renderDoctor({ findings, errors, warnings }: DoctorView, paint: Paint): string {
  const lines = findings.map((found) => renderFinding(found, paint));
  return `${lines.join('')}\n${summary(errors, warnings)}\n`;
}

function renderFinding({ severity, code, subject, what, remedy }: Finding, paint: Paint): string {
  const mark = MARKS[severity].padEnd(5);
  const text = severity === 'info' ? mark : paint(severity === 'error' ? 'delete' : 'update', mark);
  const first = `${text}  ${printable(subject)}: ${printable(what)}`;
  if (remedy === undefined) return `${first}\n`;
  return `${first} ${paint('faint', `[${code}]`)}\n       ${printable(remedy)}\n`;
}

function summary(errors: number, warnings: number): string {
  if (errors + warnings === 0) return 'Nothing is wrong.';
  const count = (n: number, what: string): string => `${String(n)} ${what}${n === 1 ? '' : 's'}`;
  return `${count(errors, 'error')}, ${count(warnings, 'warning')}.`;
}
