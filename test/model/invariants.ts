import { isClosed } from '../../libs/saga/src/protocol/step-state.js';
import { isLive } from './part.js';
import { truthOf, type Scene, type World } from './scene.js';

/** Tells what is wrong with a world, or nothing. */
type Check = (scene: Scene, world: World) => string | undefined;

export interface Invariant {
  readonly name: string;
  readonly says: string;
  /** When it must hold: in every world, where only an operator can go on, or where nothing is left to do. */
  readonly at: 'every world' | 'waiting for an operator' | 'rest';
  readonly broken: Check;
}

const oneEffectOneUndo: Check = (_scene, { parts }) => {
  const twice = parts.find((part) => part.effects > 1 || part.undos > 1);
  return twice && `"${twice.step}" had ${twice.effects} effects and ${twice.undos} undos`;
};

const noUndoWithoutEffect: Check = (_scene, { parts }) => {
  const empty = parts.find(
    ({ row: { status }, effects, undos, skipped }) =>
      undos > effects || (isUndoing(status) && effects === 0 && !skipped),
  );
  return empty && `"${empty.step}" is ${empty.row.status} and never had an effect`;
};

const undoesLast: Check = (scene, world) => {
  const { parts } = world;
  for (const [index, part] of parts.entries()) {
    if (!isUndoing(part.row.status)) continue;
    const open = scene.descendants[index]!.filter((other) => !mayBeOwed(scene, world, other))
      .map((other) => parts[other]!)
      .find((other) => isOpen(other.row.status) || isLive(other));
    if (open)
      return `"${part.step}" is ${part.row.status} while "${open.step}" after it is ${open.row.status}${isLive(open) ? ' with an effect' : ''}`;
  }
  return undefined;
};

const closedWithoutEffect: Check = (_scene, { parts }) => {
  const part = parts.find(
    ({ row: { status }, effects }) => (status === 'rejected' || status === 'cancelled') && effects > 0,
  );
  return part && `"${part.step}" is ${part.row.status} and had its effect`;
};

const oneOutcome: Check = ({ steps, vocabulary }, { published }) => {
  for (const { name } of steps) {
    const told = (['done', 'skipped', 'rejected', 'cancelled'] as const).filter(
      (outcome) => published & vocabulary.bit(name, outcome),
    );
    if (told.length > 1) return `"${name}" published ${told.join(' and ')}`;
  }
  return undefined;
};

const commitIsFinal: Check = ({ pivot }, { parts }) => {
  if (parts[pivot]?.row.status !== 'done') return undefined;
  const closed = parts.find((part) => isClosed(part.row.status));
  return closed && `the pivot is done and "${closed.step}" is ${closed.row.status}`;
};

const retriableAfterCommit: Check = ({ pivot, retriable }, { parts }) => {
  if (parts[pivot]?.row.status === 'done') return undefined;
  const early = retriable.map((index) => parts[index]!).find((part) => part.effects > 0);
  return early && `"${early.step}" had its effect and the pivot is not done`;
};

const allOrNothing: Check = (_scene, world) => {
  if (truthOf(world) !== 'undecided') return undefined;
  return `nothing is left to do, and ${world.parts.map((part) => `"${part.step}" is ${part.row.status}`).join(', ')}`;
};

const trackerAtRest: Check = (scene, world) => {
  const { status } = scene.tracked(world.published);
  return status === truthOf(world) ? undefined : `the tracker says ${status}, the truth is ${truthOf(world)}`;
};

const trackerCallsOperator: Check = (scene, { published }) => {
  const { status, debts } = scene.tracked(published);
  if (status === 'needsIntervention' || (status === 'aborted' && debts.length > 0)) return undefined;
  return `only an operator can go on, and the tracker says ${status}, ${debts.length} debts`;
};

const nothingElseIsOwed: Check = (scene, world) => {
  if (scene.tracked(world.published).status !== 'aborted') return undefined;
  const open = world.parts.find((part, index) => !isClosed(part.row.status) && !mayBeOwed(scene, world, index));
  return open && `the saga is aborted and "${open.step}" is ${open.row.status}`;
};

const debtsAreTrue: Check = (scene, { parts, published }) => {
  const { debts } = scene.tracked(published);
  const owed = parts.filter(
    ({ step, row }) => published & scene.vocabulary.bit(step, 'deadLettered') && !isClosed(row.status),
  );
  if (owed.length === debts.length && owed.every(({ step }) => debts.includes(step))) return undefined;
  return `the tracker has the debts ${debts.join()}, the truth is ${owed.map(({ step }) => step).join()}`;
};

const trackerCallsNobodyInVain: Check = (scene, { parts, published }) => {
  if (scene.tracked(published).status !== 'needsIntervention') return undefined;
  const owed = parts.some(
    ({ step, row }) => published & scene.vocabulary.bit(step, 'deadLettered') && !isClosed(row.status),
  );
  return owed ? undefined : 'the tracker calls an operator, and no undo is owed';
};

const trackerFindsNothing: Check = (scene, { published }) => scene.tracked(published).inconsistencies[0];

/** What must hold. I9's other half, that the tracker is monotone, is checked in tracker.ts. */
export const invariants: readonly Invariant[] = [
  { name: 'I1', says: 'a step has at most one effect and one undo', at: 'every world', broken: oneEffectOneUndo },
  { name: 'I2', says: 'nothing is undone that was not done', at: 'every world', broken: noUndoWithoutEffect },
  { name: 'I3', says: 'a step undoes itself after everything that follows it', at: 'every world', broken: undoesLast },
  { name: 'I4', says: 'a rejected or cancelled step has no effect', at: 'every world', broken: closedWithoutEffect },
  {
    name: 'I5',
    says: 'a step publishes one of done, skipped, rejected and cancelled',
    at: 'every world',
    broken: oneOutcome,
  },
  { name: 'I6', says: 'once the pivot is done nothing closes', at: 'every world', broken: commitIsFinal },
  { name: 'I7', says: 'a retriable step acts after the pivot', at: 'every world', broken: retriableAfterCommit },
  { name: 'I8', says: 'in the end all is done, or all is closed and undone', at: 'rest', broken: allOrNothing },
  { name: 'I9', says: 'in the end the tracker knows the truth', at: 'rest', broken: trackerAtRest },
  { name: 'I9', says: 'the tracker calls the operator', at: 'waiting for an operator', broken: trackerCallsOperator },
  {
    name: 'I8',
    says: 'where the undo went on, only debts are left',
    at: 'waiting for an operator',
    broken: nothingElseIsOwed,
  },
  { name: 'I9', says: 'the tracker knows every debt', at: 'every world', broken: debtsAreTrue },
  { name: 'I9', says: 'the tracker calls nobody in vain', at: 'every world', broken: trackerCallsNobodyInVain },
  { name: 'I9', says: 'the tracker sees no violation in a sound saga', at: 'every world', broken: trackerFindsNothing },
];

function isUndoing(status: string): boolean {
  return status === 'compensating' || status === 'deadLettered' || status === 'compensated';
}

function isOpen(status: string): boolean {
  return status === 'running' || status === 'done' || status === 'compensating' || status === 'deadLettered';
}

/** The step was given up for now, and its definition lets the undo of the others go on. */
function mayBeOwed({ steps, vocabulary }: Scene, { published }: World, index: number): boolean {
  const { name, onDeadLetter } = steps[index]!;
  return onDeadLetter === 'continue' && (published & vocabulary.bit(name, 'deadLettered')) !== 0;
}
