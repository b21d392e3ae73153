import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Report } from './report.ts';

/** Runs the simulator of a checkout in a process of its own: a defect in it can then harm nobody else. */
export async function simulate(folder: string, args: readonly string[]): Promise<Report> {
  const child = spawn(
    process.execPath,
    // Worlds are short-lived: room for the young saves a tenth.
    [
      '--max-semi-space-size=64',
      '--import',
      'tsx',
      join(folder, 'test/simulator/main.ts'),
      '--json',
      ...args,
    ],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const texts = { stdout: '', stderr: '' };
  child.stdout.on('data', (bytes: Buffer) => (texts.stdout += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (texts.stderr += bytes.toString()));
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', kill);
  await new Promise((resolve) => child.once('close', resolve));
  process.off('exit', kill);
  try {
    return JSON.parse(texts.stdout) as Report;
  } catch {
    throw new Error(`the simulator ended without a report: ${texts.stderr || texts.stdout}`);
  }
}
