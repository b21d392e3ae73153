import { nearest } from '../core/nearest.ts';
import { didYouMean, type Given, type Origin, type Problem } from './problem.ts';
import type { Setting } from './settings.ts';

type FromText = { readonly values: ReadonlyMap<string, Given> } | { readonly problem: Problem };

const YES = new Set(['true', 'yes', 'on', '1']);
const NO = new Set(['false', 'no', 'off', '0']);

/** Turns the text of a variable or of a flag into the values that the YAML file would hold. */
export function fromText(setting: Setting, texts: readonly string[], origin: Origin): FromText {
  const whole = texts.join(' ');
  switch (setting.kind) {
    case 'text':
      return one(setting, texts.at(-1) ?? '', origin);
    case 'boolean':
      return truth(setting, whole, origin);
    case 'list':
      return one(setting, split(whole, /[\s,]+/), origin);
    case 'registries':
      // The members of one registry are separated by commas, so commas cannot separate registries.
      return one(setting, split(whole, /[\s;]+/), origin);
    case 'switches':
      return switches(setting, split(whole, /[\s,]+/), origin);
  }
}

const split = (text: string, by: RegExp): string[] => text.split(by).filter((part) => part !== '');

function one(setting: Setting, value: unknown, origin: Origin): FromText {
  return { values: new Map([[setting.path, { value, origin }]]) };
}

function truth(setting: Setting, text: string, origin: Origin): FromText {
  const word = text.trim().toLowerCase();
  // Docker's own client takes any text as yes.
  const docker = origin.type === 'env' && origin.name === 'DOCKER_TLS_VERIFY';
  if (docker || YES.has(word)) return one(setting, true, origin);
  if (NO.has(word)) return one(setting, false, origin);
  return {
    problem: {
      origin,
      setting: setting.path,
      what: `${JSON.stringify(text.slice(0, 80))} is neither yes nor no`,
      remedy: 'write true or false',
    },
  };
}

/** The named members are on, all others off; `none` switches all off. */
function switches(setting: Setting, names: readonly string[], origin: Origin): FromText {
  const chosen = names.length === 1 && names[0] === 'none' ? [] : names;
  const stranger = chosen.find((name) => !setting.members.includes(name));
  if (stranger !== undefined) {
    const remedy = didYouMean(
      nearest(stranger, setting.members),
      `choose from ${setting.members.join(', ')}`,
    );
    const what = `${JSON.stringify(stranger.slice(0, 80))} is unknown`;
    return { problem: { origin, setting: setting.path, what, remedy } };
  }
  const values = new Map<string, Given>();
  for (const member of setting.members)
    values.set(`${setting.path}.${member}.enabled`, { value: chosen.includes(member), origin });
  return { values };
}
