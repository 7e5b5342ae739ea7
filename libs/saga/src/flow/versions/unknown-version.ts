import type { OpenedRecord } from '../../protocol/cloud-event.js';
import { PoisonRecord, wordOf } from '../../protocol/wire.js';
import type { Audience } from '../bound-step.js';
import type { Fleet } from '../fleet/fleet.js';
import type { BoundSteps } from '../bound-steps.js';

/** What an event that is left to others needs of the process that takes it. */
interface Needed {
  readonly graph?: string;
  readonly wanted?: readonly string[];
}

/** An event that this process cannot judge or has no part in, and that a replica of this service can or will: newer, older, or of the right graph. */
export class LeftToOthers extends PoisonRecord {
  constructor(
    readonly saga: string,
    readonly version: number,
    why: string,
    readonly needed: Needed = {},
  ) {
    super(why);
    this.name = 'LeftToOthers';
  }
}

/** An event of a version that this process has no definition of; a replica that is newer, or older, may have it. */
export class UnknownVersion extends LeftToOthers {
  constructor(saga: string, version: number, known: readonly number[], graph?: string) {
    const why = `version ${version} of saga "${saga}" is unknown here, this service has ${known.join(', ') || 'none'}`;
    super(saga, version, why, graph === undefined ? {} : { graph });
    this.name = 'UnknownVersion';
  }
}

/**
 * Looks at the name, the version and the graph only: what another version says else may be beyond what this process can read.
 *
 * @throws LeftToOthers for a saga that this service takes part in
 */
export function refuseUnknownVersion(
  steps: BoundSteps,
  audience: Audience,
  { sagatype, sagaversion, sagagraph }: OpenedRecord['attributes'],
  fleet?: Fleet,
): void {
  const [name, version, graph] = [wordOf(sagatype), wordOf(sagaversion), wordOf(sagagraph)];
  if (fleet?.othersTakePart(audience, name, version) && !steps.saga(name, version)) {
    const why = `another replica of this service takes part in saga "${name}" version ${version}, this one does not`;
    throw new LeftToOthers(name, Number(version), why, { graph });
  }
  if (!steps.takesPart(audience, name)) return;
  const other = steps.otherGraph(name, version, graph);
  if (other) throw new LeftToOthers(name, Number(version), other.why, { graph });
  if (steps.saga(name, version)) return;
  if (!/^[1-9][0-9]{0,8}$/.test(version)) return;
  throw new UnknownVersion(name, Number(version), versionsOf(steps, name), graph);
}

export function versionsOf(steps: BoundSteps, name: string): readonly number[] {
  const known = steps.sagas.filter((saga) => saga.name === name).map(({ version }) => version);
  return known.toSorted((a, b) => a - b);
}
