import * as z from 'zod';
import { POLICIES } from '../core/policy.ts';
import { parseRegistryUrl, type RegistryAddress } from './registry-url.ts';
import { Secret } from './secret.ts';
import { group, setting } from './setting.ts';
import { complain } from './values.ts';

const secret = z
  .string()
  .min(1)
  .transform((value) => new Secret(value));
export const file = z.string().min(1);

const registryUrl = z.string().transform((text, context): RegistryAddress => {
  const parsed = parseRegistryUrl(text);
  if ('value' in parsed) return parsed.value;
  return complain(context, parsed.problem.what, parsed.problem.remedy);
});

const tlsFiles = z.strictObject({
  ca: file.optional().describe('File of the authorities (PEM) that may have signed the server.'),
  cert: file.optional().describe('File of the client certificate (PEM).'),
  key: file.optional().describe('File of the client key (PEM).'),
});

/** One entry of `registries` in the YAML file: a URL, or a mapping when more than the URL is to be said. */
const registryMapping = z.strictObject({
  url: registryUrl,
  name: z
    .string()
    .regex(/^[A-Za-z0-9._:/,@-]{1,128}$/)
    .optional()
    .describe('How logs and tables call it; default: the URL.'),
  username: z.string().min(1).optional().describe('User name; default: etcd.username.'),
  password: secret.optional().describe('Password; passwordFile is safer.'),
  passwordFile: file.optional().describe('File that holds the password.'),
  tls: tlsFiles.optional().describe('Files for TLS (etcds://); default: etcd.tls.'),
  policy: z.enum(POLICIES).optional().describe('What may be done to this registry; default: policy.'),
});
export const registry = z.union([registryUrl.transform((url) => ({ url })), registryMapping]);

export type RegistrySettings = z.output<typeof registryMapping>;
export const REGISTRY_KEYS: readonly string[] = Object.keys(registryMapping.shape);
export const TLS_KEYS: readonly string[] = Object.keys(tlsFiles.shape);

export const etcd = group({
  username: setting(z.string().min(1).optional(), {
    description: 'User name for every etcd registry that names none.',
    value: 'name',
    envAlias: ['ETCD_USERNAME'],
  }),
  password: setting(secret.optional(), {
    description: 'Password for every etcd registry that has none; passwordFile is safer.',
    envAlias: ['ETCD_PASSWORD'],
    flag: false,
    secret: true,
  }),
  passwordFile: setting(file.optional(), {
    description: 'File that holds the password.',
    value: 'file',
    envAlias: ['ETCD_PASSWORD_FILE'],
  }),
  tls: group({
    ca: setting(file.optional(), {
      description: 'File of the authorities (PEM) that may have signed etcd; default: those of the system.',
      value: 'file',
      flag: 'etcd-ca',
      envAlias: ['ETCD_CA_FILE'],
    }),
    cert: setting(file.optional(), {
      description: 'File of the client certificate (PEM) for etcd.',
      value: 'file',
      flag: 'etcd-cert',
      envAlias: ['ETCD_CERT_FILE'],
    }),
    key: setting(file.optional(), {
      description: 'File of the client key (PEM) for etcd.',
      value: 'file',
      flag: 'etcd-key',
      envAlias: ['ETCD_KEY_FILE'],
    }),
  }),
});
