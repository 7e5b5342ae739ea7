import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../support/random.js';
import { check } from './checker/check.js';
import { collect, connectionsOf, type History } from './checker/collect.js';
import type { Evidence } from './checker/evidence.js';
import type { Violation } from './checker/invariant.js';
import { connectionLeaks, leaks } from './checker/leaks.js';
import { storiesOf, type Story } from './checker/story.js';
import type { Fault, Pressure } from './faults/fault.js';
import { createUsers, send } from './load/client.js';
import { planOf } from './load/requests.js';
import { quiescence } from './quiescence.js';
import { services } from './world/replica.js';
import type { World } from './world/world.js';

export interface RoundOptions {
  readonly seed: number;
  readonly sagas: number;
  readonly pressureMs: number;
  readonly restWithinMs: number;
}

/** What one round came to. */
export interface Outcome {
  readonly fault: string;
  readonly injected: number;
  readonly sagas: number;
  /** New ones: what an earlier round has told already is not told again. */
  readonly violations: readonly Violation[];
  /** Dead letters of steps that were redriven after healing. */
  readonly redriven: number;
  /** Sagas that were refused because a step had used up its attempts. */
  readonly givenUp: number;
  /** Mails that were sent a second time, with the Message-ID of the first: SMTP has no idempotency. */
  readonly mailsAgain: number;
  /** From the end of the fault, and of the requests, until nothing was left to do; undefined when that never came. */
  readonly recoveredMs: number | undefined;
}

/** Rounds on one world: each puts load on the services, injects one kind of fault, heals, waits until all is at rest, and checks everything since the beginning. */
export class Rounds {
  private history: History = { acknowledged: [], places: [], mayGiveUp: new Set() };
  private readonly told = new Set<string>();
  private mailsBefore = 0;
  private round = 0;

  constructor(
    private readonly world: World,
    private readonly options: RoundOptions,
  ) {}

  async play(fault: Fault): Promise<Outcome> {
    const { world, options } = this;
    const seed = seedOf(options.seed, fault.name);
    const run = `r${(this.round += 1)}`;
    const plan = planOf(new Random(seed), run, options.sagas);
    await createUsers(world.fleet, plan);
    const random = new Random(seed + 2);
    await fault.prepare?.(world, random);
    const holdings = await world.holdings();
    const pressure = new TimedPressure(options.pressureMs);
    const sending = send(world.fleet, plan, options.pressureMs, new Random(seed + 1));
    let lastAsked = 0;
    sending.then(
      () => (lastAsked = performance.now()),
      () => undefined, // told when it is awaited
    );
    const injected = await fault.inject(world, random, pressure);
    const over = performance.now();
    await world.heal();
    const acknowledged = await sending;
    const atRest = await quiescence(world, options.restWithinMs);
    const recoveredMs = atRest ? performance.now() - Math.max(over, lastAsked) : undefined;
    const { history } = this;
    this.history = {
      acknowledged: [...history.acknowledged, ...acknowledged],
      places: [...history.places, ...plan.places],
      mayGiveUp: new Set([...history.mayGiveUp, ...(fault.mayGiveUp ? plan.places.map(({ user }) => user) : [])]),
    };
    const evidence = await this.evidence();
    const counts = this.counted(evidence, run);
    const violations = [
      ...this.news(check(evidence)),
      ...(atRest ? [] : [restless(options.restWithinMs)]),
      ...leaks(holdings, await world.holdings()),
      ...connectionLeaks(await connectionsOf(world), world.fleet.replicas.length / services.length),
    ];
    return { fault: fault.name, injected, sagas: plan.sagas, violations, ...counts, recoveredMs };
  }

  /** All that the stores tell now. */
  evidence(): Promise<Evidence> {
    return collect(this.world, this.history);
  }

  private news(violations: readonly Violation[]): readonly Violation[] {
    return violations.filter((violation) => {
      const text = JSON.stringify(violation);
      return !this.told.has(text) && this.told.add(text);
    });
  }

  private counted(evidence: Evidence, run: string): Pick<Outcome, 'redriven' | 'givenUp' | 'mailsAgain'> {
    const own = storiesOf(evidence).filter(({ task }) => task?.title.startsWith(`${run}-`));
    const ids = new Set<string | null>(own.map(({ sagaId }) => sagaId));
    const again = evidence.mails.length - new Set(evidence.mails.map(({ messageId }) => messageId)).size;
    const mailsAgain = again - this.mailsBefore;
    this.mailsBefore = again;
    return {
      redriven: evidence.kept.filter(({ kind, open, saga_id: id }) => isOfStep(kind) && !open && ids.has(id)).length,
      givenUp: own.filter(isGivenUp).length,
      mailsAgain,
    };
  }
}

function isOfStep(kind: string): boolean {
  return kind === 'compensation' || kind === 'undecided';
}

function restless(withinMs: number): Violation {
  return {
    invariant: 'I12',
    harm: 'stuck',
    what: `something was left to do ${withinMs / 1_000} s after all was healed`,
  };
}

/** Refused for another reason than those which the samples give. */
function isGivenUp({ task }: Story): boolean {
  const reason = task?.failure_reason;
  return reason !== null && reason !== undefined && !/over capacity|is unknown|is undeliverable/.test(reason);
}

/** A fault is played alike in every order of faults. */
function seedOf(seed: number, name: string): number {
  return Buffer.from(name).reduce((mixed, byte) => Math.imul(mixed ^ byte, 0x01000193), seed ^ 0x811c9dc5);
}

class TimedPressure implements Pressure {
  private readonly end: number;

  constructor(ms: number) {
    this.end = performance.now() + ms;
  }

  get on(): boolean {
    return performance.now() < this.end;
  }

  async rest(ms: number): Promise<void> {
    await sleep(Math.max(0, Math.min(ms, this.end - performance.now())));
  }
}
