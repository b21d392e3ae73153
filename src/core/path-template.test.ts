import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostileText, runs } from '../../test/kit/fuzz.ts';
import { templateOf } from '../../test/kit/template.ts';
import {
  DEFAULT_TEMPLATE,
  elementName,
  fillTemplate,
  type PathTemplate,
  parseElement,
} from './path-template.ts';
import { checkSegment } from './segment.ts';

const fill = (text: string, env: Readonly<Record<string, string>>) =>
  fillTemplate(templateOf(text), (element) =>
    element.type === 'environment' ? env[element.name] : element.type === 'string' ? element.text : '80',
  );

describe('a template of a path', () => {
  it('is filled element by element, without those that have no value', () => {
    const text = 'environment:ENVIRONMENT string:x environment:NAME service:PORT';
    expect(fill(text, { ENVIRONMENT: 'prod', NAME: 'apache' })).toEqual({
      segments: ['prod', 'x', 'apache', '80'],
    });
    expect(fill(text, { NAME: ' apache ' })).toEqual({ segments: ['x', 'apache', '80'] });
    expect(fill(text, { ENVIRONMENT: '' })).toEqual({ segments: ['x', '80'] });
  });

  it('takes a value with slashes as several segments', () => {
    expect(fill('environment:IMAGE', { IMAGE: '/eboraas//apache:2/' })).toEqual({
      segments: ['eboraas', 'apache:2'],
    });
  });

  it('refuses what could not be a key, without showing it', () => {
    expect(fill('environment:NAME', { NAME: 'my secret' })).toEqual({
      problem: 'environment:NAME: a text of 9 characters has a character outside A-Z a-z 0-9 . _ ~ : @ + = -',
    });
    expect(fill('environment:NAME', { NAME: 'a/../b' })).toMatchObject({
      problem: expect.stringContaining('relative') as string,
    });
    expect(fill('environment:NAME', { NAME: '/a'.repeat(17) })).toMatchObject({
      problem: 'the path has more than 16 segments',
    });
    expect(fill('environment:NAME', { NAME: 'a'.repeat(1_000_000) })).toMatchObject({
      problem: expect.stringContaining('longer than 4096') as string,
    });
  });

  it('reads back as it is written', () => {
    const all = `${DEFAULT_TEMPLATE} string:a/b service:ID service:IMAGE`;
    expect(templateOf(all).map(elementName).join(' ')).toBe(all);
    expect(parseElement('service:host_port')).toEqual({ element: { type: 'service', field: 'host_port' } });
  });

  it.each([
    ['NAME', 'write environment:VARIABLE, string:text or service:FIELD'],
    ['enviroment:NAME', 'did you mean environment:?'],
    ['environment:', 'write such as environment:NAME'],
    ['environment:A B', 'write such as environment:NAME'],
    ['string:..', 'write such as string:prod'],
    ['service:TAGS', 'the fields are'],
    ['service:ENV', 'the fields are'],
    ['service:HOSTPORT', 'did you mean service:HOST_PORT?'],
    ['provider:hostname', 'write service:HOST or service:IPADDRESS'],
  ])('says what to write instead of %s', (text, remedy) => {
    expect(parseElement(text)).toMatchObject({ remedy: expect.stringContaining(remedy) as string });
  });

  it('is whatever it is: an element or a complaint on one line, and only checked segments', () => {
    const part = fc.oneof(
      hostileText,
      fc
        .tuple(fc.constantFrom('environment', 'string', 'service', 'container', ''), hostileText)
        .map((both) => both.join(':')),
    );
    fc.assert(
      fc.property(part, hostileText, (text, value) => {
        const parsed = parseElement(text);
        if ('error' in parsed) {
          expect((parsed.error + parsed.remedy).length).toBeLessThan(500);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
          expect(parsed.error + parsed.remedy).not.toMatch(/[\u0000-\u001f]/);
        }
        const elements: PathTemplate =
          'error' in parsed ? [{ type: 'environment', name: 'X' }] : [parsed.element];
        const filled = fillTemplate(elements, () => value);
        if ('segments' in filled)
          for (const segment of filled.segments) expect(checkSegment(segment)).toBeUndefined();
        else expect(filled.problem.length).toBeLessThan(600);
      }),
      runs(1000),
    );
  });
});
