#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { EXIT } from './cli/exit.ts';
import type { CliIo } from './cli/io.ts';
import { runCli } from './cli/program.ts';
import { readVersion } from './cli/version.ts';
import { messageOf } from './core/failure.ts';
import { printable } from './core/printable.ts';
import { fullHostName } from './source/host/full-name.ts';
import { systemClock } from './telemetry/clock.ts';
import { keepHeapSmall } from './telemetry/heap.ts';
import { createLog, type ProcessLog } from './telemetry/log.ts';
import { wantsColor } from './telemetry/paint.ts';

/** The one place that knows the process: its signals, its streams, its exit code. */
const LINGER_MS = 2000;
keepHeapSmall();
const stopping = new AbortController();
const logs: ProcessLog[] = [];
let verbose = false;

function end(exitCode: number): never {
  for (const log of logs) log.flush();
  process.exit(exitCode);
}

function onSignal(signal: NodeJS.Signals): void {
  // Whoever presses Ctrl-C twice does not want to wait for a good end.
  if (stopping.signal.aborted && signal === 'SIGINT') end(EXIT.interrupted);
  stopping.abort();
}

/** One line; the stack is for those who asked for it. */
function report(error: unknown): void {
  const message = messageOf(error);
  process.stderr.write(`portolan: ${printable(message)}\n`);
  if (verbose && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
}

function write(stream: NodeJS.WriteStream): (text: string) => void {
  // The reader of a pipe may leave, as `head` does: then there is nothing more to do.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    end(error.code === 'EPIPE' ? EXIT.ok : EXIT.error);
  });
  return (text) => {
    stream.write(text);
  };
}

const color = wantsColor(process.stdout.isTTY, process.env);
const io: CliIo = {
  stdout: write(process.stdout),
  stderr: write(process.stderr),
  terminal: process.stdout.isTTY,
  color,
  env: process.env,
  machine: {
    uid: process.getuid?.(),
    home: homedir(),
    stateHome: process.env['XDG_STATE_HOME'],
    runtimeDir: process.env['XDG_RUNTIME_DIR'],
    fullHostName: fullHostName(),
    readFile: (path) => readFileSync(path, 'utf8'),
  },
  clock: systemClock,
  random: Math.random,
  version: readVersion(),
  signal: stopping.signal,
  onHangUp: (listener) => {
    process.on('SIGHUP', listener);
    return () => process.off('SIGHUP', listener);
  },
  openLog: ({ level, format, fd }) => {
    verbose = level === 'debug';
    const terminal = fd === 1 ? process.stdout.isTTY : process.stderr.isTTY;
    const log = createLog({ level, format, fd, terminal, color: wantsColor(terminal, process.env) });
    logs.push(log);
    return log;
  },
  // Loaded only by the commands that need it: `portolan health` should answer before Docker and etcd clients are read.
  agent: {
    run: async (config, lent) => await (await import('./agent.ts')).runAgent(config, lent),
    listen: async (config, lent, env) => await (await import('./agent.ts')).runListener(config, lent, env),
    // A guest in every container: it needs no client of Docker.
    announce: async (config, lent, env) =>
      await (await import('./wiring/lone-announcer.ts')).runAnnouncer(config, lent, env),
    planOnce: async (config, lent) => await (await import('./agent.ts')).planOnce(config, lent),
    diagnose: async (config, agent, lent) => await (await import('./agent.ts')).diagnose(config, agent, lent),
  },
};

process.on('SIGTERM', onSignal);
process.on('SIGINT', onSignal);
process.on('uncaughtException', (error) => {
  report(error);
  end(EXIT.error);
});

async function main(): Promise<void> {
  try {
    process.exitCode = await runCli(process.argv.slice(2), io);
  } catch (error) {
    report(error);
    process.exitCode = EXIT.error;
  }
  for (const log of logs) log.flush();
  // A connection that somebody forgot to close must not keep a finished process; a clean one has ended before.
  setTimeout(end, LINGER_MS, process.exitCode).unref();
}

// Not awaited here: the single executable is a script, not a module (hack/build-single.sh).
void main();
