import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cliReference } from '../src/cli/reference.ts';
import { compatReference } from '../src/config/compat/reference.ts';
import { configJsonSchema, configReference } from '../src/config/reference.ts';
import { doctorReference } from '../src/core/doctor-reference.ts';
import { failureReference } from '../src/core/failure-reference.ts';
import { labelReference } from '../src/dialect/reference.ts';
import { metricReference } from '../src/telemetry/reference.ts';

/** Writes what is generated from the code; with `--check` it only tells which of it is out of date. */
const root = fileURLToPath(new URL('..', import.meta.url));

const PAGES: Readonly<Record<string, () => string>> = {
  'manifests/config.schema.json': () => `${JSON.stringify(configJsonSchema(), null, 2)}\n`,
  'hack/reference/configuration.md': configReference,
  'hack/reference/compat-service-registrar.md': compatReference,
  'hack/reference/labels.md': labelReference,
  'hack/reference/errors.md': failureReference,
  'hack/reference/cli.md': cliReference,
  'hack/reference/doctor.md': doctorReference,
  'hack/reference/metrics.md': metricReference,
};

function current(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

const check = process.argv.includes('--check');
for (const [name, make] of Object.entries(PAGES)) {
  const path = `${root}${name}`;
  const text = make();
  if (current(path) === text) continue;
  if (check) {
    console.error(`${name} is out of date: run "npm run generate" and commit it`);
    process.exitCode = 1;
  } else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    console.log(`wrote ${relative(process.cwd(), path)}`);
  }
}
