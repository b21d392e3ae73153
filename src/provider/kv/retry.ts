import type { BackoffPolicy } from '../../core/backoff.ts';

/** For whatever a registry is asked again: it may be back any moment, and has many who ask. */
export const RETRY: BackoffPolicy = { initialMs: 100, maxMs: 2_000, factor: 2 };
