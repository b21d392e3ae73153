import { existsSync, readFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import type { HostReaders } from './addresses.ts';
import type { EnvironmentReaders } from './environment.ts';

/** This machine. */
export const machineReaders: HostReaders & EnvironmentReaders = {
  interfaces: networkInterfaces,
  exists: existsSync,
  hostname,
  readText(path) {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  },
};
