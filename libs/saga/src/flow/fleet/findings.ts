import { differences, outlineOf, fingerprintOf } from '../../definition/fingerprint.js';
import { commitStep } from '../../definition/nested.js';
import type { SagaGraph } from '../../definition/saga-definition.js';
import { placeKey, type Announcement } from '../../protocol/announcement.js';
import type { BoundSteps } from '../bound-steps.js';
import type { Fleet } from './fleet.js';

export interface Finding {
  readonly level: 'warn' | 'error';
  readonly line: string;
}

const told = 12;

/** What is wrong among those who take part in the sagas that this service knows. */
export function findingsOf(fleet: Fleet, steps: BoundSteps, sagas: readonly SagaGraph[]): readonly Finding[] {
  return [
    ...sagas.flatMap((saga) => otherGraphs(fleet, saga)),
    ...sagas.flatMap((saga) => doubledSteps(fleet, steps, saga)),
  ];
}

function otherGraphs(fleet: Fleet, saga: SagaGraph): readonly Finding[] {
  const graph = fingerprintOf(saga);
  const others = new Map<string, readonly string[]>();
  for (const { service, sagas } of fleet.present()) {
    const there = sagas.find((one) => one.name === saga.name && one.version === saga.version && one.graph !== graph);
    if (there) others.set(`service "${service}" has ${there.graph}`, differences(outlineOf(saga), there.outline));
  }
  return [...others].map(([who, found]) => ({
    level: 'error',
    line: `Version ${saga.version} of saga "${saga.name}" has two graphs: ${graph} here, and ${who} there. ${sentence(found)} Neither moves the sagas of the other; deploy the same definition, or give one a version of its own.`,
  }));
}

function sentence(found: readonly string[]): string {
  const some = found.slice(0, told).join('; ');
  const more = found.length > told ? `; and ${found.length - told} more` : '';
  return found.length === 0 ? 'How they differ is not announced.' : `They differ: ${some}${more}.`;
}

function doubledSteps(fleet: Fleet, steps: BoundSteps, saga: SagaGraph): readonly Finding[] {
  return Object.keys(saga.steps).flatMap((step): readonly Finding[] => {
    const place = placeKey({ saga: saga.name, version: saga.version, step });
    const services = fleet.servicesWith(place);
    const owner = fleet.owner(place);
    if (services.length < 2 && !isOrphan(fleet, steps, saga, step)) return [];
    if (owner?.handsOver || owner?.from !== undefined) return [];
    const who = services.map((service) => `"${service}"`).join(' and ');
    const runs = owner
      ? `Service "${owner.service}" announced it first and runs it, no other does`
      : 'Nobody can tell yet who was first';
    return [
      {
        level: 'error',
        line: `Step "${step}" of saga "${saga.name}" version ${saga.version} has a method in ${services.length < 2 ? `this service, but is another's` : `services ${who}`}. ${runs}. Remove the other method, or move the step: handsOver in the service that has it.`,
      },
    ];
  });
}

/** This service has a method for a step whose owner is away. */
function isOrphan(fleet: Fleet, steps: BoundSteps, saga: SagaGraph, step: string): boolean {
  const bound = steps.find(saga, step);
  return bound !== undefined && fleet.isElsewhere(bound);
}

/** The steps of a saga for which nobody has announced a method; the commit step of a nested saga goes with its source. */
export function unannounced(fleet: Fleet, saga: SagaGraph): readonly string[] {
  const { name, version } = saga.template ?? saga;
  return Object.keys((saga.template ?? saga).steps).filter(
    (step) => step !== commitStep && fleet.servicesWith(placeKey({ saga: name, version, step })).length === 0,
  );
}

export function unannouncedLine({ name, version }: SagaGraph, steps: readonly string[]): string {
  const list = steps.map((step) => `"${step}"`).join(', ');
  return `No service has announced a method for ${steps.length === 1 ? 'step' : 'steps'} ${list} of saga "${name}" version ${version}: its sagas wait there until one runs that has (one of a release before announcements does not say so).`;
}

/**
 * Another program under this service's name: it is there, and none of what it has a method for is ours. One that has a step more, or less, is a deployment of the same service.
 */
export function stranger(own: Announcement, present: readonly Announcement[]): Announcement | undefined {
  const names = placesOf(own);
  if (names.size === 0) return undefined;
  return present.find((other) => {
    if (other.service !== own.service || other.replica === own.replica) return false;
    const others = placesOf(other);
    return others.size > 0 && [...others].every((name) => !names.has(name));
  });
}

/** Whatever their versions: a service may be deployed with the next version of all its sagas. */
function placesOf({ steps, listeners }: Announcement): ReadonlySet<string> {
  return new Set([
    ...steps.map(({ saga, step }) => `${saga}/${step}`),
    ...listeners.map(({ saga, hears }) => `${saga}/${hears} heard`),
  ]);
}
