import type { SagaGraph } from '../../../libs/saga/src/definition/index.js';
import { decode } from '../../../libs/saga/src/protocol/cloud-event.js';
import type { Envelope } from '../../../libs/saga/src/protocol/envelope.js';
import { expanded } from '../../../libs/saga/src/protocol/expanded.js';
import { foldSaga } from '../../../libs/saga/src/protocol/saga-state.js';
import { isClosed } from '../../../libs/saga/src/protocol/step-state.js';
import type { FenceRow } from '../../../libs/saga/src/ports/fence-row.js';
import type { Deed } from './history.js';
import { isLink } from './family.js';
import { parted } from './nested-invariants.js';
import type { World } from './world.js';

/** What is wrong with a world that rests; nothing, if all is well. */
export async function violations(world: World): Promise<readonly string[]> {
  const { log, history } = world;
  const events = log.map((message) => decode(message));
  const sagaIds = [...new Set(events.map(({ sagaId }) => sagaId))];
  const known = new Set(events.map(({ id }) => id));
  const found: string[] = [];
  const started = new Set(events.flatMap(({ sagaId, parent }) => (parent ? [] : [sagaId]))).size;
  if (started !== world.starts.size) found.push(`${started} sagas of ${world.starts.size} have events`);
  for (const sagaId of sagaIds) {
    const rows = (await Promise.all(world.sites.map(({ store }) => store.find(sagaId)))).flat();
    const own = events.filter((event) => event.sagaId === sagaId);
    const definition = world.family.saga(own[0]!.sagaType);
    const saga = expanded(definition, own.find(({ branches }) => branches)?.branches);
    const links = Object.values(saga.steps).flatMap((node) =>
      isLink({ saga, node }) || node.awaits ? [node.name] : [],
    );
    const deeds = history.deeds.filter((deed) => deed.sagaId === sagaId && !links.includes(deed.step));
    const skipped = rows.filter((row) => wasSkipped(saga, row)).map(({ step }) => step);
    found.push(
      ...unsettled(saga, rows, deeds, links),
      ...outOfOrder(saga, deeds, [...skipped, ...links], paidLate(saga, own)),
      ...unsound(saga, own, known),
    );
    found.push(...(await parted(world, saga, sagaId, rows)));
  }
  found.push(...unequal(world), ...miscounted(world));
  return found;
}

/** Every step is done, or every step is closed and what it did is undone; nothing is done or undone twice. */
function unsettled(
  saga: SagaGraph,
  rows: readonly FenceRow[],
  deeds: readonly Deed[],
  links: readonly string[],
): readonly string[] {
  const steps = Object.keys(saga.steps);
  const statusOf = (step: string): string => rows.find((row) => row.step === step)?.status ?? 'no row';
  const count = (step: string, kind: Deed['kind']): number =>
    deeds.filter((deed) => deed.step === step && deed.kind === kind).length;
  const completed = steps.every((step) => statusOf(step) === 'done');
  const aborted = rows.length === steps.length && rows.every((row) => isClosed(row.status) || isDebt(saga, row));
  if (!completed && !aborted)
    return [`it is not settled: ${steps.map((step) => `${step} ${statusOf(step)}`).join(', ')}`];
  return steps.flatMap((step) => {
    if (links.includes(step)) return [];
    const [effects, undos] = [count(step, 'effect'), count(step, 'undo')];
    const wanted = rows.some((row) => row.step === step && wasSkipped(saga, row)) ? 0 : 1;
    if (completed && (effects !== wanted || undos !== 0))
      return [`${step}: ${effects} effects, ${undos} undos, though it completed`];
    const owed = statusOf(step) === 'deadLettered' ? 1 : 0;
    return aborted && (effects > 1 || undos + owed !== effects)
      ? [`${step}: ${effects} effects, ${undos} undos, though it aborted`]
      : [];
  });
}

function wasSkipped(saga: SagaGraph, { step, result }: FenceRow): boolean {
  return result !== undefined && result.type === saga.steps[step]?.events.skipped?.type;
}

function isDebt(saga: SagaGraph, { step, status }: FenceRow): boolean {
  return status === 'deadLettered' && saga.steps[step]?.onDeadLetter === 'continue';
}

/** Steps that the undo of the others did not wait for: an operator saw to them later. */
function paidLate(saga: SagaGraph, events: readonly Envelope[]): readonly string[] {
  const letters = events.filter(({ outcome }) => outcome === 'deadLettered');
  return letters.map(({ step }) => step).filter((step) => saga.steps[step]?.onDeadLetter === 'continue');
}

/** A step follows its predecessors; an undo follows the undo of everything after its step, and nothing after it is done later. */
function outOfOrder(
  saga: SagaGraph,
  deeds: readonly Deed[],
  skipped: readonly string[],
  late: readonly string[],
): readonly string[] {
  const place = (step: string, kind: Deed['kind']): number =>
    deeds.findIndex((deed) => deed.step === step && deed.kind === kind);
  const found: string[] = [];
  for (const { name, predecessors } of Object.values(saga.steps)) {
    const done = place(name, 'effect');
    for (const before of predecessors) {
      const earlier = place(before, 'effect');
      if (done >= 0 && !skipped.includes(before) && (earlier < 0 || earlier > done))
        found.push(`${name} was done before ${before}`);
      const undone = place(before, 'undo');
      if (undone >= 0 && done > undone) found.push(`${name} was done after ${before} was undone`);
      const owed = late.includes(name) || (saga.steps[name]!.onDeadLetter === 'continue' && place(name, 'undo') < 0);
      if (undone >= 0 && done >= 0 && !owed && !(place(name, 'undo') < undone))
        found.push(`${before} was undone before ${name}`);
    }
  }
  return found;
}

/** The events tell the same end, each is caused by another of them, and they share one correlation. */
function unsound(saga: SagaGraph, events: readonly Envelope[], known: ReadonlySet<string>): readonly string[] {
  const { status, inconsistencies } = foldSaga(saga, events);
  const orphans = events.filter(({ causationId }) => causationId !== undefined && !known.has(causationId));
  return [
    ...(status === 'completed' || status === 'aborted' ? [] : [`its events tell ${status}`]),
    ...inconsistencies,
    ...orphans.map(({ id, causationId }) => `${id} is caused by ${causationId}, which was never published`),
    ...(new Set(events.map(({ correlationId }) => correlationId)).size === 1 ? [] : ['its correlation id changed']),
  ];
}

/** A message that is published again is the same message. */
function unequal({ log }: World): readonly string[] {
  const first = new Map<string, string>();
  return log.flatMap((message) => {
    const id = message.headers['ce_id']!;
    const content = JSON.stringify(message);
    const earlier = first.get(id) ?? content;
    first.set(id, earlier);
    return earlier === content ? [] : [`${id} was published with two contents: ${earlier} and ${content}`];
  });
}

function miscounted({ lives }: World): readonly string[] {
  return lives.filter(({ tally }) => tally.snapshot().anomaly > 0).map(({ name }) => `${name} met an anomaly`);
}
