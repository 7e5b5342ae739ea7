import { setImmediate as turn } from 'node:timers/promises';
import { Operator } from '../../../libs/saga/src/flow/operate/operate.js';
import type { OperatorAnswer } from '../../../libs/saga/src/flow/operate/operation.js';
import type { World } from './world.js';

const verbs = ['redrive', 'compensated', 'waive', 'done', 'notDone'] as const;

type Site = World['sites'][number];

/** Operators who say things: anything to any step while there is chaos, and what is needed when all else is at peace. */
export class Office {
  /** What each was answered; who got no answer is not in it. */
  readonly answers = new Map<string, OperatorAnswer>();
  private said = 0;

  constructor(private readonly world: World) {}

  readonly work = (state: 'chaos' | 'peace'): Promise<void> => (state === 'chaos' ? this.meddle() : this.tidyUp());

  /** All that is wrong with the audit: every answer is in it, once, and as it was given. */
  async violations(): Promise<readonly string[]> {
    const entries = (
      await Promise.all(this.world.sites.map(({ store }) => store.audit.list({ limit: 10_000 })))
    ).flat();
    const wrong = [...this.answers].flatMap(([actor, { verdict }]) => {
      const own = entries.filter((entry) => entry.actor === actor);
      return own.length === 1 && own[0]!.verdict === verdict
        ? []
        : [`${actor} was told ${verdict}, the audit has ${own.length} entries`];
    });
    const open = await Promise.all(
      this.world.sites.map(({ store }) => store.deadLetters.list({ state: 'open', limit: 9 })),
    );
    return [...wrong, ...open.flat().map(({ step }) => `a letter of ${step} is open`)];
  }

  private async meddle(): Promise<void> {
    const { random, log, sites, behavior } = this.world;
    const sagaId = log.length > 0 ? random.pick(log).headers['ce_sagaid'] : undefined;
    if (sagaId === undefined) return;
    const site = random.pick(sites);
    const step = random.pick(site.steps);
    const verb = random.pick(behavior.isOutside(step) ? verbs.slice(0, 3) : verbs);
    const rows = await site.store.find(sagaId);
    const isDecided = rows.some((row) => row.step === step && row.status === 'running');
    const guessed = verb === 'done' || verb === 'notDone';
    if (guessed && (!isDecided || !random.happens(0.1))) return;
    this.say(site, { sagaId, step }, verb);
    if (random.happens(0.3)) this.say(site, { sagaId, step }, random.pick(verbs.slice(0, 3)));
    await turn();
  }

  private async tidyUp(): Promise<void> {
    const { random, sites } = this.world;
    for (const site of sites) {
      for (const { id } of await site.store.deadLetters.list({ state: 'open', kind: 'compensation', limit: 9 }))
        this.say(site, { letterId: id }, random.pick(verbs.slice(0, 3)));
    }
    await turn();
  }

  private say(
    { replicas }: Site,
    target: Parameters<Operator['redrive']>[0] extends infer T ? Omit<T & object, 'actor' | 'reason'> : never,
    verb: (typeof verbs)[number],
  ): void {
    const operator = new Operator(this.world.random.pick(replicas).service);
    const actor = `operator-${(this.said += 1)}`;
    const word = { ...target, actor, reason: 'because' } as Parameters<Operator['redrive']>[0];
    const step = 'step' in target ? target.step : '';
    const answer =
      verb === 'redrive' || verb === 'waive'
        ? operator[verb](word)
        : operator.resolve({ ...word, as: verb, ...(verb === 'done' && { event: { of: step } }) });
    answer.then(
      (given) => this.answers.set(actor, given),
      () => undefined, // the process died: nobody knows
    );
  }
}
