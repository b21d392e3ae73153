/** Who may import whom (see CONTRIBUTING.md). `core` knows nothing of ours; adapters never know each other. */
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: `^src/${from}/`, pathNot: '\\.test\\.ts$' },
  to: { path: '^src/', pathNot: [`^src/${from}/`, ...allowed.map((folder) => `^src/${folder}`)] },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: '(\\.test\\.ts|^src/main\\.ts)$' },
      to: {},
    },
    {
      name: 'core-is-pure',
      severity: 'error',
      from: { path: '^src/core/', pathNot: '\\.test\\.ts$' },
      to: { pathNot: ['^src/core/', '^node_modules/(zod|xstate)/'] },
    },
    {
      name: 'pure-stages-do-no-io',
      severity: 'error',
      from: { path: '^src/(dialect|layout)/', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core'] },
    },
    only('dialect', 'dialect', ['core/']),
    only('layout', 'layout', ['core/']),
    only('controller', 'controller', ['core/']),
    only('config', 'config', ['core/']),
    only('source', 'source', ['core/']),
    only('provider-kv', 'provider/kv', ['core/']),
    only('provider-memory', 'provider/memory', ['core/', 'provider/kv/store\\.ts']),
    only('provider-etcd', 'provider/etcd', ['core/', 'provider/kv/store\\.ts']),
    only('probe', 'probe', ['core/']),
    only('proxy', 'proxy', ['core/']),
    only('telemetry', 'telemetry', ['core/']),
    only('web', 'web', ['core/', 'config/', 'telemetry/']),
    only('cli', 'cli', ['core/', 'config/', 'telemetry/', 'agent\\.ts']),
    {
      name: 'not-to-test',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: { path: '(^test/|\\.test\\.ts$)' },
    },
    { name: 'no-barrels', severity: 'error', from: {}, to: { path: '^src/.*/index\\.ts$' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
