/** A bug that is put into a copy of the sources, to see that the simulator finds it. */
export interface PlantedBug {
  readonly name: string;
  readonly edits: readonly {
    /** Below `src`. */
    readonly file: string;
    /** Stands there exactly once. */
    readonly find: string;
    readonly put: string;
  }[];
}

const bug = (name: string, file: string, find: string, put: string): PlantedBug => ({
  name,
  edits: [{ file, find, put }],
});

export const PLANTED: readonly PlantedBug[] = [
  bug(
    'a list that failed is taken for an empty one',
    'source/docker/relist.ts',
    '  if (!answer.ok) return answer;\n',
    '  if (!answer.ok) return { ok: true, value: { ended: await endUnexplained(context, [...roster.all()], new Map(), mark, signal), unread: [] } };\n',
  ),
  bug(
    'a delete goes through whatever stands there',
    'provider/kv/steps.ts',
    "return { compares: [mod(key, change.expected), ...entry], then: [{ type: 'delete', key }, dropEntry] };",
    "return { compares: entry.slice(1), then: [{ type: 'delete', key }, dropEntry] };",
  ),
  bug(
    'a lost lease is not taken again',
    'provider/kv/session.ts',
    "if (acquired.type === 'held') await this.#keep(acquired.held, asked, signal);",
    "if (acquired.type === 'held') return await this.#keep(acquired.held, asked, signal);",
  ),
  bug(
    'a drain ends as soon as the engine reports the container again',
    'core/lifecycle.ts',
    "event.type === 'observed' && event.ready && context.cause === 'unhealthy',",
    "event.type === 'observed' && event.ready && context.cause !== undefined,",
  ),
  bug(
    'what happened during a reconnect is not listed',
    'source/docker/session.ts',
    '    while (!isAborted(signal)) {\n      this.#relistAsked = false;',
    '    if (!first) await this.#untilNextList();\n    while (!isAborted(signal)) {\n      this.#relistAsked = false;',
  ),
  bug(
    'a record is written without its ledger entry',
    'provider/kv/steps.ts',
    "then: [{ type: 'put', key, value: change.value, lease }, putEntry],",
    "then: [{ type: 'put', key, value: change.value, lease }, ...[putEntry].slice(1)],",
  ),
  bug(
    'the quiet window starves under constant change',
    'controller/workqueue.ts',
    'Math.min(this.#lastAddAt + quietMs, this.#firstReadyAt + maxWaitMs) - now',
    'Math.max(this.#lastAddAt + quietMs, this.#firstReadyAt + maxWaitMs) - now',
  ),
  bug(
    'the brake never releases',
    'core/brake.ts',
    'if (confirmed || now - state.engagedAt >= BRAKE_RELEASE_MS) {',
    'if (confirmed && now - state.engagedAt >= 1e6 * BRAKE_RELEASE_MS) {',
  ),
  {
    name: 'the brake counts each batch by itself',
    edits: [
      { file: 'controller/guard.ts', find: 'foreseen: this.#foreseen,', put: 'foreseen: new Set(),' },
      {
        file: 'core/brake.ts',
        find: 'if (now - at < BRAKE_WINDOW_MS || state.engagedAt !== undefined) planned.set(key, at);',
        put: 'if (state.engagedAt !== undefined) planned.set(key, at);',
      },
    ],
  },
  bug('there is no brake', 'core/brake.ts', 'const AT_LEAST = 10;', 'const AT_LEAST = 1e9;'),
  bug(
    'a lease lives longer than it was asked for',
    'provider/kv/takeover.ts',
    'const granted = await writer.leaseGrant(ttlSeconds, signal);',
    'const granted = await writer.leaseGrant(4 * ttlSeconds, signal);',
  ),
  bug(
    'a lease is kept alive too seldom',
    'provider/kv/session.ts',
    'const third = (ttlSeconds * 1_000) / 3;',
    'const third = ttlSeconds * 1_100;',
  ),
  bug(
    'a handover leaves the records under the lease that ends',
    'provider/kv/session.ts',
    'const moved = granted.ok ? await rehang(granted.value.id, signal) : granted;',
    'const moved = granted.ok ? ok(undefined) : granted;',
  ),
  bug(
    'a handover writes records that hang on no lease',
    'provider/kv/rehang.ts',
    "if (entry.lease === '0' || entry.lease === lease) continue;",
    'if (entry.lease === lease) continue;',
  ),
  bug(
    'records stay under the lease of an earlier mode',
    'core/plan.ts',
    "if (!leased) return found === '0';",
    "if (!leased) return found !== '';",
  ),
  bug(
    'a second instance takes over from a living one',
    'provider/kv/takeover.ts',
    'if (remaining < (granted * 2) / 3 - 1) return ok(DEAD);',
    'if (remaining <= granted) return ok(DEAD);',
  ),
  bug(
    'a transaction does not compare the heartbeat',
    'provider/kv/sender.ts',
    'compares: [...fence, ...steps.flatMap(({ compares }) => compares)],',
    'compares: [...fence, ...steps.flatMap(({ compares }) => compares)].slice(1),',
  ),
  {
    name: 'a restored registry is taken for the old one',
    edits: [
      {
        file: 'provider/kv/reader.ts',
        find: 'return head.clusterId === before.clusterId && compareRevisions(head.revision, before.revision) >= 0;',
        put: 'return head.clusterId !== "" && compareRevisions(before.revision, before.revision) >= 0;',
      },
      {
        file: 'provider/kv/watching.ts',
        find: 'if (compareRevisions(head.revision, before) < 0) return false;',
        put: 'if (compareRevisions(before, before) < 0) return false;',
      },
      {
        file: 'provider/kv/watching.ts',
        find: 'if (head.clusterId !== this.#options.head.clusterId) return false;',
        put: '',
      },
    ],
  },
  bug(
    'a record that a stranger made after ours was deleted is taken for ours',
    'core/ownership.ts',
    "compareRevisions(record.createRevision, entry.modRevision) > 0 ? 'foreign' : 'ours'",
    "compareRevisions(record.createRevision, record.modRevision) > 0 ? 'foreign' : 'ours'",
  ),
  bug(
    'a ledger entry is written for a record that somebody else wrote',
    'core/ownership.ts',
    "return record.modRevision === lastWritten ? 'entry-lost' : 'foreign';",
    "return record.modRevision === lastWritten ? 'entry-lost' : 'entry-lost';",
  ),
  bug(
    'records of an earlier life are not looked at',
    'controller/outlook.ts',
    'return new Set([...this.#endpoints.desiredKeys(this.#audience), ...this.#cache.keys()]);',
    'return new Set(this.#endpoints.desiredKeys(this.#audience));',
  ),
  bug(
    'a broken watch of a registry is not noticed',
    'provider/kv/watching.ts',
    '      lost: (_, failure) => {\n        this.#lose(failure);',
    '      lost: (_, failure) => {\n        if (failure.code === "record-moved") this.#lose(failure);',
  ),
  bug(
    'a drain is forgotten when one list forgets the container',
    'controller/endpoints.ts',
    "const forgotten = !cause.explained && live.phase.state === 'draining';",
    "const forgotten = !cause.explained && live.phase.state === 'dormant';",
  ),
  bug(
    'drains are not remembered for the next process',
    'controller/announce.ts',
    '    this.endpoints.adopt(drains);\n',
    '    this.endpoints.adopt(drains.slice(drains.length));\n',
  ),
  bug(
    'a write that failed is not tried again',
    'controller/apply.ts',
    "failure.kind === 'terminal' ? queue.recheck(work, TERMINAL_RETRY_MS, 'error') : queue.retry(work);",
    'TERMINAL_RETRY_MS;\n  queue.finish(work.key);',
  ),
  bug(
    'an inspection that failed is not tried again',
    'source/docker/inspections.ts',
    "else if (!running.dropped && conclude() === 'retry') this.#retryLater(job);",
    'else if (!running.dropped) conclude();',
  ),
  bug(
    'what a lost host left is removed although it is back',
    'provider/kv/estates.ts',
    "    { key: heartbeat, target: 'create', revision: '0' },\n    { key: card, target: 'mod', revision },\n",
    "    { key: `${heartbeat}/${card}/${revision}`, target: 'create', revision: '0' },\n",
  ),
  bug(
    'a host without a heartbeat is taken for dead although it answers',
    'controller/clearing.ts',
    "if (verdict !== 'silent') return",
    "if (verdict === 'unknown') return",
  ),
  bug(
    'nobody waits for a lost host to come back',
    'core/lost-host.ts',
    'if (absentMs < graceMs)',
    'if (absentMs < 0)',
  ),
  bug(
    'what a lost host left stays for ever',
    'core/estate.ts',
    'if (entry === undefined) return [];',
    'if (entry !== undefined) return [];',
  ),
  bug(
    'what has not answered its probe yet counts as ready',
    'core/vitals.ts',
    "const probed = probe === undefined || probe.state.verdict === 'up';",
    "const probed = probe === undefined || probe.state.verdict !== 'down';",
  ),
  bug(
    'a restarted agent takes out what it has not probed yet',
    'controller/announce.ts',
    'if (owned) this.endpoints.published(key);',
    'if (owned && key === "") this.endpoints.published(key);',
  ),
  bug(
    'a probe that fails again and again changes nothing',
    'core/probe.ts',
    'const against = agrees ? 0 : state.against + 1;',
    'const against = agrees ? 0 : 1;',
  ),
  bug(
    'what went up and down too often never comes back',
    'core/damping.ts',
    'until: at + out, outMs: out',
    'until: at + 1e3 * out, outMs: out',
  ),
  bug(
    'a drain of the whole host concerns nobody',
    'controller/order-book.ts',
    'return [containerId, WHOLE_HOST]',
    'return [containerId]',
  ),
  bug(
    'drains by command are forgotten by the next process',
    'controller/announce.ts',
    'this.commands.learn(orders);',
    'this.commands.learn(orders.slice(orders.length));',
  ),
  bug(
    'an old note begins a drain again that has ended',
    'controller/order-book.ts',
    'if (order.at <= (this.#orders.get(order.subject)?.at ?? Number.NEGATIVE_INFINITY)) return false;',
    'if (order.at === this.#orders.get(order.subject)?.at) return false;',
  ),
  bug(
    'an order that is known already hides what a registry knows of its container',
    'controller/drain-book.ts',
    'if (!newer && !this.#knowsMore(note)) return false;',
    'if (!newer) return false;',
  ),
  bug(
    'a label enters a key as it is',
    'core/segment.ts',
    "if (text === '.' || text === '..') return 'is a relative path';",
    'if (text.length < 129) return undefined;',
  ),
  bug(
    'an environment is copied into the records',
    'layout/document.ts',
    '    SERVICE: name,\n',
    '    SERVICE: name,\n    ...(instance === "" ? {} : { PASSWORD: "hunter2-s3cr3t" }),\n',
  ),
];
