import { Operator } from '../../../libs/saga/src/flow/operate/operate.js';
import type { DeadLetter } from '../../../libs/saga/src/ports/dead-letters.js';
import type { Service } from './service.js';

export const ada = { actor: 'ada', reason: 'the bank is back' };
export const bob = { actor: 'bob', reason: 'paid by hand' };

/** Where operators of a service sit. */
export class Desk {
  readonly operator: Operator;

  constructor(private readonly service: Service) {
    this.operator = new Operator(service.saga);
  }

  /** Every word of a saga in the order in which it was said, as `actor verb verdict`. */
  async words(sagaId: string): Promise<readonly string[]> {
    const entries = await this.service.ground.store.audit.list({ sagaId, limit: 100 });
    return entries.toReversed().map(({ actor, verb, verdict }) => `${actor} ${verb} ${verdict}`);
  }

  /** What waits for a person, or waited, oldest first. */
  letters(sagaId?: string): Promise<readonly DeadLetter[]> {
    return this.operator.deadLetters(sagaId === undefined ? {} : { sagaId });
  }
}
