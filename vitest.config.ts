import { defineConfig } from 'vitest/config';

/** Unit tests sit beside the code; the other suites need real servers or a real engine, so few files run at a time. */
const outside = (name: string, include: string[], testTimeout: number, files = 1) => ({
  test: { name, include, testTimeout, hookTimeout: 180_000, maxWorkers: files, fileParallelism: files > 1 },
});

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'hack/**/*.test.ts'],
          testTimeout: 60_000,
          maxWorkers: 2,
        },
      },
      outside('contract', ['test/contract/**/*.test.ts'], 60_000),
      outside('integration', ['test/integration/**/*.test.ts'], 90_000),
      // Whole worlds in processes of their own: as many at a time as there are cores.
      outside('simulation', ['test/simulator/**/*.test.ts'], 3_000_000),
      // They mostly wait: for engines, containers, leases.
      outside('e2e', ['test/e2e/**/*.test.ts'], 180_000, 2),
    ],
  },
});
