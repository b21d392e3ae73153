import {
  EtcdAuthenticationFailedError,
  EtcdInvalidAuthTokenError,
  EtcdLeaseInvalidError,
  EtcdPermissionDeniedError,
  GRPCDeadlineExceededError,
  GRPCInvalidArgumentError,
  GRPCOutOfRangeError,
  GRPCResourceExhastedError,
  GRPCUnavailableError,
} from 'etcd3';
import { describe, expect, it } from 'vitest';
import type { FailureCode } from '../../core/failure.ts';
import { Cancelled, problemOf, TimedOut } from './errors.ts';

describe('errors of the client', () => {
  it.each<readonly [Error, FailureCode, boolean, boolean]>([
    [
      new GRPCUnavailableError('14 UNAVAILABLE: No connection established'),
      'registry-unreachable',
      true,
      true,
    ],
    [new GRPCUnavailableError('14 UNAVAILABLE: Connection dropped'), 'registry-unreachable', true, false],
    [
      new GRPCUnavailableError('14 UNAVAILABLE: etcdserver: request timed out'),
      'registry-timeout',
      true,
      false,
    ],
    [new GRPCDeadlineExceededError('4 DEADLINE_EXCEEDED'), 'registry-timeout', true, false],
    [new TimedOut('late'), 'registry-timeout', true, false],
    [new Cancelled('cancelled'), 'registry-unreachable', false, false],
    [new GRPCOutOfRangeError('required revision has been compacted'), 'registry-compacted', false, false],
    [new GRPCOutOfRangeError('required revision is a future revision'), 'registry-replaced', false, false],
    [new GRPCInvalidArgumentError('too many operations in txn'), 'too-many-operations', false, false],
    [new GRPCInvalidArgumentError('etcdserver: request is too large'), 'record-rejected', false, false],
    [new GRPCInvalidArgumentError('etcdserver: user name is empty'), 'registry-denied', false, false],
    [
      new GRPCResourceExhastedError('etcdserver: mvcc: database space exceeded'),
      'registry-full',
      false,
      false,
    ],
    [new GRPCResourceExhastedError('etcdserver: too many requests'), 'registry-unreachable', true, false],
    [new EtcdPermissionDeniedError('permission denied'), 'registry-denied', false, false],
    [new EtcdAuthenticationFailedError('authentication failed'), 'registry-denied', false, false],
    [new EtcdLeaseInvalidError('1'), 'lease-lost', false, false],
    [new Error('anything else'), 'registry-unreachable', true, false],
  ])('%s is %s', (error, code, down, unsent) => {
    const problem = problemOf(error);
    expect(problem).toMatchObject({ down, unsent });
    expect(problem.failure.code).toBe(code);
  });

  it.each([
    ['No connection established. Last error: Protocol error (now)', 'does not speak the v3 API of etcd'],
    ['No connection established. Last error: connect ECONNREFUSED 127.0.0.1:4001 (now)', 'listens at 2379'],
  ])('%s tells whoever comes from the v2 API what is meant', (message, hint) => {
    const { failure, unsent } = problemOf(new GRPCUnavailableError(`14 UNAVAILABLE: ${message}`));
    expect(failure.message).toContain(hint);
    expect(failure.message).toContain(message);
    expect(unsent).toBe(true);
  });

  it('tokens that are no longer valid are exchanged', () => {
    expect(problemOf(new EtcdInvalidAuthTokenError('invalid auth token')).stale).toBe(true);
    expect(problemOf(new GRPCInvalidArgumentError('revision of auth store is old')).stale).toBe(true);
    expect(problemOf(new EtcdPermissionDeniedError('permission denied')).stale).toBe(false);
  });
});
