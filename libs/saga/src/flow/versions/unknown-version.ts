import type { OpenedRecord } from '../../protocol/cloud-event.js';
import { PoisonRecord, wordOf } from '../../protocol/wire.js';
import type { Audience } from '../bound-step.js';
import type { BoundSteps } from '../bound-steps.js';

/** An event of a version that this process has no definition of; a replica that is newer, or older, may have it. */
export class UnknownVersion extends PoisonRecord {
  constructor(
    readonly saga: string,
    readonly version: number,
    known: readonly number[],
  ) {
    super(`version ${version} of saga "${saga}" is unknown here, this service has ${known.join(', ') || 'none'}`);
    this.name = 'UnknownVersion';
  }
}

/**
 * Looks at the name and the version only: what another version says else may be beyond what this process can read.
 *
 * @throws UnknownVersion for a saga that this service takes part in
 */
export function refuseUnknownVersion(
  steps: BoundSteps,
  audience: Audience,
  { sagatype, sagaversion }: OpenedRecord['attributes'],
): void {
  const [name, version] = [wordOf(sagatype), wordOf(sagaversion)];
  if (!steps.takesPart(audience, name) || steps.saga(name, version)) return;
  if (!/^[1-9][0-9]{0,8}$/.test(version)) return;
  throw new UnknownVersion(name, Number(version), versionsOf(steps, name));
}

export function versionsOf(steps: BoundSteps, name: string): readonly number[] {
  const known = steps.sagas.filter((saga) => saga.name === name).map(({ version }) => version);
  return known.toSorted((a, b) => a - b);
}
