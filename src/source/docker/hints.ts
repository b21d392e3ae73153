import type { EngineEvent } from './event.ts';
import type { Inspections } from './inspections.ts';
import type { NetworkDirectory } from './networks.ts';
import type { Roster, Track } from './roster.ts';
import { mayBeProvisional } from './schema.ts';
import { signalName } from './signal-name.ts';

export interface HintContext {
  readonly roster: Roster;
  readonly inspections: Inspections;
  readonly networks: NetworkDirectory;
}

/** What each event means. Deaths and signals are said at once; everything else only asks for an inspection. */
export function takeEvent(event: EngineEvent, context: HintContext): void {
  if (event.type === 'network') takeNetworkEvent(event, context);
  else if (event.container !== undefined) takeContainerEvent(event, event.container, context);
}

function takeContainerEvent(event: EngineEvent, id: string, context: HintContext): void {
  const { roster, inspections } = context;
  const track = roster.touch(id);
  switch (event.action) {
    case 'create':
      inspections.requestEarly(id, event.at);
      return;
    case 'start':
      started(track, event.at, context);
      return;
    case 'kill':
      // Podman does not tell which signal it was: it may be one that only asks for a new configuration.
      if (event.signal === undefined) changed(track, event.at, context);
      else roster.signalled(track, signalName(event.signal), event.at);
      return;
    case 'die':
    case 'died':
    case 'stop':
      inspections.drop(id);
      roster.died(track, true, event.at);
      return;
    case 'destroy':
    case 'remove':
      inspections.drop(id);
      roster.removed(track, true, event.at);
      return;
    default:
      changed(track, event.at, context);
  }
}

/** `pause`, `unpause`, `health_status`, `rename`, `update`, `oom`. */
function changed(track: Track, at: number, { inspections }: HintContext): void {
  const waitsForStart = track.early !== undefined || inspections.isEarlyUnderWay(track.id);
  if (track.said === 'nothing' && track.startedAt === undefined && waitsForStart) {
    track.early = undefined;
    inspections.requestEarly(track.id, at);
  } else {
    track.startedAt = undefined;
    inspections.request(track.id, at, true);
  }
}

/** With the facts of `create` at hand the start is said at once and confirmed afterwards. */
function started(track: Track, at: number, { roster, inspections }: HintContext): void {
  const { early } = track;
  track.signal = undefined;
  if (early === undefined && inspections.isEarlyUnderWay(track.id)) {
    track.startedAt = at;
    return;
  }
  // The early answer came so late that it was already running: these are the full facts.
  if (early?.provisional === false) {
    roster.seen(track, early, at);
    return;
  }
  if (early === undefined || !mayBeProvisional(early)) {
    inspections.request(track.id, at, true);
    return;
  }
  inspections.requestRest(early, at);
  roster.seen(track, early, at);
}

/** A connection that is made for a start, or undone by a death, comes with an event of its own. */
function takeNetworkEvent(event: EngineEvent, { roster, inspections, networks }: HintContext): void {
  if (event.network !== undefined) {
    if (event.action === 'destroy') networks.forget(event.network);
    else networks.learn(event.network);
  }
  if (event.container === undefined || (event.action !== 'connect' && event.action !== 'disconnect')) return;
  const known = roster.get(event.container);
  if (known?.said !== 'alive' && !inspections.isWanted(event.container)) return;
  roster.touch(event.container);
  inspections.request(event.container, event.at, true);
}
