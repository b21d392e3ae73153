import { describe, expect, it } from 'vitest';
import { errors, type Given, good } from '../../test/kit/config.ts';
import { DEFAULT_TEMPLATE, elementName } from '../core/path-template.ts';
import { formatProblem } from './problem.ts';

describe('the dialect and the layout of service-registrar', () => {
  const on = (given: Given) => {
    const { dialects, layouts } = good(given).config;
    return [dialects.registrar.enabled, layouts.registrar.enabled];
  };

  it('are off unless they are named', () => {
    expect(on({})).toEqual([false, false]);
    expect(on({ env: { PORTOLAN_DIALECT: 'announce' }, flags: { layouts: ['services'] } })).toEqual([
      ...[false, false],
    ]);
    expect(on({ env: { PORTOLAN_DIALECT: 'registrar', PORTOLAN_LAYOUT: 'registrar' } })).toEqual([
      ...[true, true],
    ]);
  });

  it('take the path as one text or as a list', () => {
    const text = 'environment:APP string:x service:port';
    const path = [
      { type: 'environment', name: 'APP' },
      { type: 'string', text: 'x' },
      { type: 'service', field: 'port' },
    ];
    const of = (given: Given) => good(given).config.layouts.registrar.path;
    expect(of({ yaml: `layouts: { registrar: { path: "${text}" } }` })).toEqual(path);
    expect(of({ yaml: `layouts: { registrar: { path: ["${text.split(' ').join('", "')}"] } }` })).toEqual(
      path,
    );
    expect(of({ env: { PORTOLAN_LAYOUTS_REGISTRAR_PATH: text } })).toEqual(path);
    expect(of({}).map(elementName).join(' ')).toBe(DEFAULT_TEMPLATE);
  });

  it('say where a path is wrong, and what to write', () => {
    const said = (path: string) => errors({ yaml: `layouts: { registrar: { path: "${path}" } }` });
    expect(said('environment:NAME service:PROT container:Hostname')).toEqual([
      'p.yaml:1: layouts.registrar.path: "service:PROT" names no field of the document that a key can have; did you mean service:PROTO? the fields are ID, HOST, IPADDRESS, NAME, IMAGE, HOSTNAME, HOST_PORT, PROTO, PORT',
      'p.yaml:1: layouts.registrar.path: "container:Hostname" is no element of a path; write service:FIELD, such as service:HOSTNAME; that is what container: became',
    ]);
    expect(said('')).toEqual([
      'p.yaml:1: layouts.registrar.path: has no element; write such as environment:NAME service:PORT',
    ]);
  });

  it('warn of the whole environment', () => {
    const yaml =
      'layouts: { services: { enabled: false }, registrar: { enabled: true, fullEnvironment: true } }';
    expect(good({ yaml }).warnings.map(formatProblem)).toEqual([
      'p.yaml:1: layouts.registrar.fullEnvironment: copies every variable of every container into the registries, passwords and tokens too; name the variables that readers need in layouts.registrar.env instead',
    ]);
  });

  it('share a prefix with no other layout', () => {
    expect(errors({ yaml: 'layouts: { registrar: { enabled: true } }' })).toEqual([
      expect.stringContaining('give each layout a prefix of its own'),
    ]);
  });

  it('are needed for host documents that list their keys', () => {
    expect(errors({ yaml: 'layouts: { hosts: { format: registrar } }' })).toEqual([
      'p.yaml:1: layouts.hosts.format: lists the keys of the registrar layout, which is off; switch layouts.registrar.enabled on, or take format: portolan',
    ]);
  });
});
