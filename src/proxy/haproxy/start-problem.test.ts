import { describe, expect, it } from 'vitest';
import { checkProblem, installedVersion, startProblem } from './start-problem.ts';

const line = (why: string): string =>
  `[NOTICE]   (1) : haproxy version is 2.6.12\n[ALERT]    (1) : Starting frontend portolan: cannot bind socket (${why}) [0.0.0.0:80]\n[ALERT]    (1) : [haproxy.main()] Some protocols failed to start their listeners! Exiting.\n`;

describe('why HAProxy does not start', () => {
  it.each([
    [
      'Address already in use',
      /^0\.0\.0\.0:80 is taken by another program; .* choose another address by bind$/,
    ],
    ['Permission denied', /^this user may not listen on 0\.0\.0\.0:80; .* CAP_NET_BIND_SERVICE$/],
    ['Cannot assign requested address', /^this host has no address 0\.0\.0\.0:80; correct bind$/],
  ])('says what to change: %s', (why, expected) => {
    expect(startProblem(line(why))).toMatch(expected);
  });

  it('is told in its own words where nobody knows better', () => {
    expect(startProblem('one\ntwo\nthree\n')).toBe('one | two | three');
    expect(startProblem('')).toBe('it ended without a word');
  });

  it('tells what a check found, the same each time', () => {
    const found = (pid: number): string =>
      `[NOTICE]   (${String(pid)}) : haproxy version is 2.6.12\n[ALERT]    (${String(pid)}) : config : parsing [/x/a.cfg:2] : unknown keyword 'x'\n[ALERT]    (${String(pid)}) : config : Error(s) found in configuration file : /x/a.cfg\n[WARNING]  (${String(pid)}) : config : y\n[ALERT]    (${String(pid)}) : config : Fatal errors found in configuration.\n`;
    expect(checkProblem(found(1))).toBe("parsing [/x/a.cfg:2] : unknown keyword 'x'");
    expect(checkProblem(found(2))).toBe(checkProblem(found(1)));
    expect(checkProblem('no such thing\n')).toBeUndefined();
  });

  it('reads the version, and takes nothing else for one', () => {
    expect(installedVersion('HAProxy version 2.6.12-1+deb12u3 2025/10/03 - https://haproxy.org/\n')).toBe(
      '2.6.12-1+deb12u3',
    );
    expect(installedVersion('HA-Proxy version 1.8.19-1+deb10u3 2020/08/01\n')).toBe('1.8.19-1+deb10u3');
    expect(installedVersion('nginx version: nginx/1.22.1\n')).toBeUndefined();
  });
});
