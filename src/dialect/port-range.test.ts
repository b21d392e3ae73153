import { describe, expect, it } from 'vitest';
import { container } from '../../test/kit/containers.ts';
import type { Container } from '../core/container.ts';
import type { Dialect } from '../core/service.ts';
import { portolanDialect } from './portolan.ts';
import { publishedDialect } from './published.ts';

const PORTS = 10_000;
/** Of the processor: far more than a cost that grows with the ports, far less than one that grows with their square. */
const LIMIT_MS = 4_000;

/** As `docker run -p 10000-19999:10000-19999/udp` makes it. */
const media = (labels: Readonly<Record<string, string>>): Container =>
  container(1, {
    labels: new Map(Object.entries(labels)),
    ports: Array.from({ length: PORTS }, (_, n) => ({
      port: 10_000 + n,
      protocol: 'udp' as const,
      bindings: [{ hostIp: '0.0.0.0', hostPort: 10_000 + n }],
    })),
  });

describe('Isolation: a container with a range of ten thousand ports does not stop the others', () => {
  const each = Object.fromEntries(
    Array.from({ length: PORTS }, (_, n) => [`portolan.${String(10_000 + n)}.tags`, 'media']),
  );
  it.each<{ what: string; dialect: Dialect; labels: Readonly<Record<string, string>> }>([
    { what: 'without a label', dialect: publishedDialect, labels: {} },
    { what: 'with a label for all', dialect: portolanDialect, labels: { 'portolan.tags': 'media' } },
    {
      what: 'with a label for each and one for all',
      dialect: portolanDialect,
      labels: { ...each, 'portolan.weight': '1' },
    },
    {
      what: 'with a label that nobody understands',
      dialect: portolanDialect,
      labels: { 'portolan.port': 'x' },
    },
  ])('$what', ({ dialect, labels }) => {
    const before = process.cpuUsage();
    const { services, reserved = [] } = dialect.read(media(labels));
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000).toBeLessThan(LIMIT_MS);
    expect(services.length + reserved.length).toBe(PORTS);
  });
});
