import { eventFrom, type StepNode } from '../../../libs/saga/src/definition/index.js';
import type { BoundStep, StepContext } from '../../../libs/saga/src/flow/bound-step.js';
import type { Branches } from '../../../libs/saga/src/protocol/branches.js';
import { OutcomeUnknown, StepRejected } from '../../../libs/saga/src/protocol/errors.js';
import { branchesOfWidth } from '../../model/definitions.js';
import { shortRetry } from '../stage/service.js';
import { isLink, type Family } from './family.js';
import type { Deed, History } from './history.js';
import type { Random } from '../../support/random.js';

type Method = 'step' | 'undo';

/** How the methods of a saga behave, by the seed: who says no, who fails how often before it succeeds, who works outside. */
export class Behavior {
  private readonly failures = new Map<string, number>();
  private readonly refusals = new Map<string, boolean>();
  private readonly widths = new Map<string, readonly number[]>();
  private readonly outside: ReadonlySet<string>;
  private readonly known: ReadonlySet<string>;

  constructor(
    private readonly family: Family,
    private readonly random: Random,
    private readonly history: History,
    /** Reached inside a method: the process may die there. */
    private readonly pause: (owner: object) => Promise<void>,
    /** How often a compensation may fail; more than three make it a dead letter. */
    private readonly undoFailures = 3,
    /** Work outside may use up its attempts; of some of it somebody knows what came of it. */
    private readonly unknownOutcomes = false,
  ) {
    const steps = family.names.filter((name) => !isLink(family.at(name)) && !family.at(name).node.awaits);
    this.outside = new Set(steps.filter(() => random.happens(unknownOutcomes ? 0.6 : 0.25)));
    this.known = new Set(unknownOutcomes ? steps.filter(() => random.happens(0.5)) : []);
  }

  isOutside(step: string): boolean {
    return this.outside.has(step.replace(/\[.*/, ''));
  }

  /** The methods of a step, as the process `owner` runs them. */
  bound(step: string, owner: object): BoundStep {
    const place = this.family.at(step);
    const { saga } = place;
    const node: StepNode = { ...place.node, external: this.outside.has(step) };
    const retry = shortRetry;
    if (isLink(place))
      return { saga, node, retry, undoRetry: retry, run: (_input, context) => this.link(node, context, owner) };
    return {
      saga,
      node,
      retry,
      undoRetry: retry,
      run: (_input, context) => this.run({ ...node, name: context.step }, context, owner),
      compensate: (_done, context) => this.undo({ ...node, name: context.step }, context, owner),
      ...(node.external &&
        this.known.has(step) && {
          resolve: (_input: unknown, context) => this.tell({ ...node, name: context.step }, context, owner),
        }),
    };
  }

  /** The start input of a nested saga; what its commit step comes to. */
  private async link(node: StepNode, { sagaId, parent }: StepContext, owner: object): Promise<object | undefined> {
    if (!node.nested) return parent ? undefined : eventFrom(node.events.done, {});
    await this.pause(owner);
    if (this.refuses(node, sagaId)) throw new StepRejected('no');
    if (this.fails(node, sagaId, 'step')) throw new Error('away');
    return {};
  }

  private async run(node: StepNode, context: StepContext, owner: object): Promise<object | undefined> {
    const began = this.history.voidsOf(context.idempotencyKey);
    await this.pause(owner);
    const { sagaId } = context;
    if (this.refuses(node, sagaId)) return this.refusal(node);
    if (this.fails(node, sagaId, 'step')) {
      if (!this.unknownOutcomes || !node.external || this.random.happens(0.5)) throw new Error('away');
      if (this.random.happens(0.5)) this.do({ kind: 'effect', sagaId, step: node.name }, context, began);
      throw new OutcomeUnknown('no answer');
    }
    if (node.awaits && this.waits(node, sagaId)) return undefined;
    this.do({ kind: 'effect', sagaId, step: node.name }, context, began);
    await this.pause(owner);
    if (node.external && this.fails(node, sagaId, 'step')) throw new OutcomeUnknown('no answer');
    return this.doneEvent(node, sagaId);
  }

  doneEvent(node: StepNode, sagaId: string): object {
    const more = { ...(this.ends(node, sagaId) && { needsNoMore: true }), branches: this.branches(node, sagaId) };
    return eventFrom(node.events.done, { of: node.name, ...more });
  }

  /** Who can be asked: it does not always answer, and never says anything that is not so. */
  private async tell(node: StepNode, { sagaId, idempotencyKey }: StepContext, owner: object): Promise<unknown> {
    await this.pause(owner);
    if (this.random.happens(0.3)) throw new Error('nobody answers');
    const happened = this.history.settles(idempotencyKey);
    await this.pause(owner);
    return happened ? this.doneEvent(node, sagaId) : undefined;
  }

  private async undo(node: StepNode, context: StepContext, owner: object): Promise<undefined> {
    await this.pause(owner);
    if (this.fails(node, context.sagaId, 'undo')) throw new Error('away');
    this.do({ kind: 'undo', sagaId: context.sagaId, step: node.name }, context);
    await this.pause(owner);
    return undefined;
  }

  private do(deed: Deed, { manager, idempotencyKey }: StepContext, began?: number): void {
    if (manager) (manager as Deed[]).push(deed);
    else this.history.outside(idempotencyKey, deed, began);
  }

  private refusal(node: StepNode): object {
    if (this.random.happens(0.5)) throw new StepRejected('no');
    return eventFrom(node.events.rejected, { failedStep: node.name, reason: 'no' });
  }

  private refuses(node: StepNode, sagaId: string): boolean {
    const key = `${sagaId}/${node.name}`;
    const share = Math.min(0.2, 1 / this.family.names.length); // of many steps, not always one
    const refuses = this.refusals.get(key) ?? (node.role !== 'retriable' && this.random.happens(share));
    this.refusals.set(key, refuses);
    return refuses;
  }

  private waits(node: StepNode, sagaId: string): boolean {
    const key = `${sagaId}/${node.name}/waits`;
    const waits = this.refusals.get(key) ?? this.random.happens(0.7);
    this.refusals.set(key, waits);
    return waits;
  }

  /** Whether the conditional steps that follow this one are skipped. */
  private ends(node: StepNode, sagaId: string): boolean {
    const key = `${sagaId}/${node.name}/ends`;
    const ends = this.refusals.get(key) ?? this.random.happens(0.4);
    this.refusals.set(key, ends);
    return ends;
  }

  /** 0 to 3 for each fan-out. */
  private branches(node: StepNode, sagaId: string): Branches {
    const saga = this.family.saga(node.saga);
    const widths = this.widths.get(sagaId) ?? saga.fanOuts.map(() => this.random.below(4));
    this.widths.set(sagaId, widths);
    return branchesOfWidth(saga, widths);
  }

  /** A compensation succeeds within its attempts, except where the undo may go on without it; a step may use them up and is rejected. */
  private fails(node: StepNode, sagaId: string, method: Method): boolean {
    const key = `${sagaId}/${node.name}/${method}`;
    const needed = method === 'undo' ? node.onDeadLetter === 'halt' : node.external;
    const most = method === 'undo' ? (needed ? this.undoFailures : 5) : needed ? (this.unknownOutcomes ? 8 : 3) : 5;
    const often = this.unknownOutcomes && method === 'step' ? 0.6 : 0.3;
    const left = this.failures.get(key) ?? (this.random.happens(often) ? 1 + this.random.below(most) : 0);
    this.failures.set(key, Math.max(left - 1, 0));
    return left > 0;
  }
}
