import { Operator } from '../../../libs/saga/src/flow/operate/operate.js';
import type { SagaService } from '../../../libs/saga/src/flow/service.js';
import type { DeadLetter } from '../../../libs/saga/src/ports/dead-letters.js';
import type { FenceRow } from '../../../libs/saga/src/ports/fence-row.js';
import { StepRejected } from '../../../libs/saga/src/protocol/errors.js';
import type { World } from './world.js';

type Peace = 'chaos' | 'peace';
type Target = { readonly letterId: string } | { readonly sagaId: string; readonly step: string };

/** People who answer, find out what nobody knows, see to dead letters, and meddle while there is chaos. */
export class People {
  constructor(private readonly world: World) {}

  readonly work = async (peace: Peace): Promise<void> => {
    const { random, sites } = this.world;
    if (peace === 'chaos' && !random.happens(0.4)) return;
    for (const site of sites) {
      const { service } = random.pick(site.replicas);
      for (const letter of await site.store.deadLetters.list({ state: 'open', limit: 20 }))
        if (peace === 'peace' || random.happens(0.3)) this.seeTo(service, letter);
      for (const row of await this.world.rowsOf(site)) this.look(service, row, peace);
    }
  };

  private seeTo(service: SagaService, { id, kind, sagaId, step }: DeadLetter): void {
    if (sagaId === undefined || step === undefined) return;
    if (kind === 'undecided') return this.findOut(service, sagaId, step);
    this.say(service, this.world.random.happens(0.5) ? { letterId: id } : { sagaId, step });
  }

  private findOut(service: SagaService, sagaId: string, step: string): void {
    const { history, behavior, family } = this.world;
    const as = history.settles(`${sagaId}:${step}`) ? 'done' : 'notDone';
    const { node } = family.at(step.replace(/\[.*/, ''));
    const event = as === 'done' && { event: { ...behavior.doneEvent(node, sagaId) } };
    quietly(new Operator(service).resolve({ sagaId, step, as, actor: 'olga', reason: 'found out', ...event }));
  }

  private look(service: SagaService, { sagaId, step, status, headers }: FenceRow, peace: Peace): void {
    const { random, behavior, family } = this.world;
    const node = family.saga(headers.sagaType).steps[step.replace(/\[.*/, '')]!;
    if (status === 'running' && node.awaits && random.happens(0.5)) {
      const answer = random.happens(0.8) ? behavior.doneEvent(node, sagaId) : new StepRejected('no');
      quietly(service.signal(sagaId, node, answer));
    } else if (peace === 'chaos' && random.happens(0.03)) this.say(service, { sagaId, step });
  }

  private say(service: SagaService, target: Target): void {
    const operator = new Operator(service);
    const word = { ...target, actor: 'otto', reason: 'because' } as Parameters<Operator['redrive']>[0];
    const verb = this.world.random.pick(['redrive', 'waive', 'resolve'] as const);
    quietly(verb === 'resolve' ? operator.resolve({ ...word, as: 'compensated' }) : operator[verb](word));
  }
}

/** Who got no answer, because the process died, or is refused with an error, asks again another time. */
function quietly(answer: Promise<unknown>): void {
  answer.catch(() => undefined);
}
