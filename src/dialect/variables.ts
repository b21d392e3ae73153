/** What is said about an environment variable of the announce dialect; feeds the reference. */
export interface VariableSpec {
  readonly name: string;
  readonly sentence: string;
  readonly type: string;
  readonly example: string;
  readonly fallback: string;
}

export const VARIABLES = {
  path: {
    name: 'ANNOUNCE_PATH',
    sentence: 'The path under which the service is registered.',
    type: 'a path',
    example: 'ANNOUNCE_PATH=/internal/app1/dev/web/name',
    fallback: 'not announced',
  },
  port: {
    name: 'PORT',
    sentence: 'The container port that `ANNOUNCE_PATH` means; read only beside it.',
    type: 'a port number',
    example: 'PORT=80',
    fallback: 'the only TCP port that the container exposes',
  },
  type: {
    name: 'TYPE',
    sentence: 'How proxies are to understand the traffic; read only beside a path.',
    type: '`HTTP` or `TCP`; any case',
    example: 'TYPE=HTTP',
    fallback: '`TCP`, which is right for HTTP too; the original had no default',
  },
  portPath: {
    name: 'ANNOUNCE_<port>_PATH',
    sentence: 'The path of this container port, for containers with several; also beside `ANNOUNCE_PATH`.',
    type: 'a path',
    example: 'ANNOUNCE_8080_PATH=/internal/app1/dev/admin',
    fallback: 'not announced',
  },
  portType: {
    name: 'ANNOUNCE_<port>_TYPE',
    sentence: 'The type of this container port.',
    type: '`HTTP` or `TCP`; any case',
    example: 'ANNOUNCE_8080_TYPE=HTTP',
    fallback: '`TYPE`',
  },
} as const satisfies Record<string, VariableSpec>;
