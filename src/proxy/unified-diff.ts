import { createTwoFilesPatch, OMIT_HEADERS } from 'diff';

/** More lines than this that differ are not worth looking for what they have in common. */
const MAX_EDITS = 1000;

/** The unified diff of a file that has another content, comes (`before` undefined) or goes. */
export function unifiedDiff(name: string, before: string | undefined, after: string | undefined): string {
  const head = `--- ${before === undefined ? '/dev/null' : name}\n+++ ${after === undefined ? '/dev/null' : name}\n`;
  const [old, fresh] = [before ?? '', after ?? ''];
  const options = { context: 3, headerOptions: OMIT_HEADERS, maxEditLength: MAX_EDITS };
  return head + (createTwoFilesPatch(name, name, old, fresh, '', '', options) ?? replaced(old, fresh));
}

function replaced(before: string, after: string): string {
  const [old, fresh] = [linesOf(before), linesOf(after)];
  const marked = [...old.map((line) => `-${line}\n`), ...fresh.map((line) => `+${line}\n`)];
  return `@@ -${spanOf(old)} +${spanOf(fresh)} @@\n${marked.join('')}`;
}

function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

const spanOf = (lines: readonly string[]): string =>
  `${lines.length === 0 ? '0' : '1'},${String(lines.length)}`;
