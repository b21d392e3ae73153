import {
  ClientClosedError,
  EtcdAuthenticationFailedError,
  EtcdInvalidAuthTokenError,
  EtcdLeaseInvalidError,
  EtcdPermissionDeniedError,
  GRPCDeadlineExceededError,
  GRPCInvalidArgumentError,
  GRPCNotFoundError,
  GRPCOutOfRangeError,
  GRPCResourceExhastedError,
  GRPCUnauthenticatedError,
} from 'etcd3';
import { type Failure, type FailureCode, failure, messageOf } from '../../core/failure.ts';

/** The caller gave up waiting. */
export class Cancelled extends Error {}
/** No answer in time; thrown by our own timers, for calls that the library gives no deadline. */
export class TimedOut extends Error {}

/** What an error of the client means, and what the connection makes of it. */
export interface Problem {
  readonly failure: Failure;
  /** The endpoint is away, hangs, or has no leader: another one may do better. */
  readonly down: boolean;
  /** The request certainly never left, so it may be sent again. */
  readonly unsent: boolean;
  /** The credentials have to be exchanged for a new token. */
  readonly stale: boolean;
  /** The user is known, but may not do this. */
  readonly forbidden: boolean;
}

const UNSENT =
  /No connection established|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|Name resolution failed|ENOTFOUND/;
const STALE = /invalid auth token|revision of auth store is old/;

export function problemOf(error: unknown): Problem {
  const message = messageOf(error);
  const code = codeOf(error, message);
  const down = code === 'registry-unreachable' || code === 'registry-timeout';
  return {
    failure: failure(code, briefly(message)),
    down: down && !(error instanceof Cancelled),
    unsent: UNSENT.test(message),
    stale: STALE.test(message) || error instanceof EtcdInvalidAuthTokenError,
    forbidden: error instanceof EtcdPermissionDeniedError,
  };
}

function codeOf(error: unknown, message: string): FailureCode {
  if (error instanceof TimedOut || error instanceof GRPCDeadlineExceededError) return 'registry-timeout';
  if (error instanceof Cancelled || error instanceof ClientClosedError) return 'registry-unreachable';
  if (error instanceof GRPCOutOfRangeError)
    return message.includes('compacted') ? 'registry-compacted' : 'registry-replaced';
  if (error instanceof EtcdLeaseInvalidError || error instanceof GRPCNotFoundError) return 'lease-lost';
  if (error instanceof GRPCResourceExhastedError) return codeOfExhaustion(message);
  if (isDenial(error, message)) return 'registry-denied';
  if (STALE.test(message)) return 'registry-unreachable';
  if (error instanceof GRPCInvalidArgumentError)
    return message.includes('too many operations') ? 'too-many-operations' : 'record-rejected';
  return message.includes('request timed out') ? 'registry-timeout' : 'registry-unreachable';
}

function codeOfExhaustion(message: string): FailureCode {
  if (message.includes('space exceeded')) return 'registry-full';
  return message.includes('larger than max') ? 'record-rejected' : 'registry-unreachable';
}

function isDenial(error: unknown, message: string): boolean {
  return (
    error instanceof EtcdPermissionDeniedError ||
    error instanceof EtcdAuthenticationFailedError ||
    error instanceof GRPCUnauthenticatedError ||
    message.includes('user name is empty')
  );
}

/** Without the class name and the code that the library puts before it. */
function briefly(message: string): string {
  const text = message.replace(/^(\w+Error: )?(\d+ [A-Z_]+: )?/, '').slice(0, 200);
  const hint = HINTS.find(([pattern]) => pattern.test(text))?.[1];
  return hint === undefined ? text : `${hint}: ${text}`;
}

/** What a bare error of the network would not tell whoever comes from the v2 API of etcd. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/Last error: Protocol error/, 'what answers does not speak the v3 API of etcd, or wants TLS (etcds://)'],
  [
    /ECONNREFUSED \S+:4001\b/,
    'port 4001 was that of the v2 API; etcd with the v3 API listens at 2379 unless told otherwise',
  ],
];
