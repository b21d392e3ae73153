import type { VariableSpec } from './variables.ts';

/** What the registrar dialect reads beside the variables that the template of the path names. */
export const REGISTRAR_VARIABLES = {
  name: {
    name: 'SERVICE_<port>_NAME',
    sentence: 'The name of this container port, in the place of its number.',
    type: 'one or more segments of a path',
    example: 'SERVICE_4001_NAME=etcd_clients',
    fallback: 'the number',
  },
  portTags: {
    name: 'SERVICE_<port>_TAGS',
    sentence: 'Tags of this container port.',
    type: 'words with commas between them',
    example: 'SERVICE_80_TAGS=blue,canary',
    fallback: '`TAGS`',
  },
  tags: {
    name: 'TAGS',
    sentence: 'Tags of every port that has none of its own.',
    type: 'words with commas between them',
    example: 'TAGS=blue,canary',
    fallback: 'none',
  },
} as const satisfies Record<string, VariableSpec>;
