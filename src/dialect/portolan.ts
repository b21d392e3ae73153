import type { Container } from '../core/container.ts';
import { ENABLE_LABEL, parseWish } from '../core/enable.ts';
import { compareText } from '../core/order.ts';
import { type Reason, reason } from '../core/reason.ts';
import type { Dialect, DialectReading, ReservedPort, Service, UsedKey } from '../core/service.ts';
import { collectLabels } from './label-group.ts';
import { isOurs } from './label-name.ts';
import { defaultPaths } from './naming.ts';
import { type Choice, choosePorts } from './port-choice.ts';
import { type Outcome, readPort, unnamedPorts } from './port-service.ts';
import { readProbes } from './probe-rules.ts';
import { readRoutes } from './route-rules.ts';

/** `portolan.*` labels. */
export const portolanDialect: Dialect = { name: 'portolan', read };

function read(container: Container): DialectReading {
  const labels = [...container.labels.keys()].filter(isOurs).sort(compareText);
  if (labels.length === 0)
    return reading([], [], [], [reason('dialect-absent', 'it has no portolan.* label')]);
  const { groups, used, reasons } = collectLabels(container, labels);
  const wish = parseWish(container.labels.get(ENABLE_LABEL));
  if (wish === 'leave-out') {
    const about = ENABLE_LABEL;
    return reading([], [], used, [
      reason('disabled', `${about}=false leaves the container out`, { about }),
      ...reasons,
    ]);
  }
  if (wish === 'unclear') return reading([], [], used, reasons);
  const choice = choosePorts(container, groups);
  const pathOf = defaultPaths(container, unnamedPorts(groups, choice));
  const outcomes = choice.ports.map((port) => readPort(pathOf, groups, choice, port));
  const probes = readProbes(groups);
  const routes = readRoutes(groups);
  const { announce } = groups.common.settings;
  return {
    ...assemble(choice, outcomes, used, [...reasons, ...probes.reasons]),
    ...(probes.rules.length === 0 ? {} : { probes: probes.rules }),
    ...(routes.length === 0 ? {} : { routes }),
    ...(announce === undefined ? {} : { announcer: announce }),
  };
}

function assemble(
  choice: Choice,
  outcomes: readonly Outcome[],
  used: readonly UsedKey[],
  reasons: readonly Reason[],
): DialectReading {
  const services = outcomes.flatMap(({ service }) => service ?? []);
  const reserved = [...choice.reserved, ...outcomes.flatMap((outcome) => outcome.reserved ?? [])];
  const all = [...reasons, ...choice.reasons, ...outcomes.flatMap((outcome) => outcome.reasons)];
  if (services.length === 0 && all.length === 0)
    all.push(
      reason('no-service', 'its portolan.* labels speak about no port; published ports get plain names'),
    );
  return reading(services, reserved, used, all);
}

function reading(
  services: readonly Service[],
  reserved: readonly ReservedPort[],
  used: readonly UsedKey[],
  reasons: readonly Reason[],
): DialectReading {
  return { dialect: 'portolan', services, reserved, used, reasons };
}
