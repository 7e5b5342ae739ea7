import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Compensates, DomainEvent, SagaStep, StepRejected, defineSaga, type StepContext } from 'nest-saga';
import type { Repository } from 'typeorm';
import { z } from 'zod';
import { Note } from '../nest/database-scene.js';

const parts = z.object({ parts: z.array(z.string()) });

class PartsRegistered extends DomainEvent('parts.registered', parts) {}
class PartAssessed extends DomainEvent('part.assessed', z.object({ part: z.string() })) {}
class CaseOpened extends DomainEvent('parts.case.opened', parts) {}
class PartsSettled extends DomainEvent('parts.settled', z.object({ assessed: z.array(z.string().max(20)) })) {}
class CaseApproved extends DomainEvent('parts.case.approved', z.object({})) {}

/** The last step of the inner saga is a fan-out, so the library's commit step follows its branches at once. */
export const PartsClaim = defineSaga(
  'parts-claim',
  {
    register: { input: parts, emits: PartsRegistered },
    assess: { after: 'register', each: (registered: PartsRegistered) => registered.parts, emits: PartAssessed },
  },
  { commits: 'withParent' },
);

export const PartsCase = defineSaga('parts-case', {
  openCase: { input: parts, emits: CaseOpened },
  settle: {
    after: 'openCase',
    saga: PartsClaim,
    emits: PartsSettled,
    result: (assessed: Readonly<Record<string, PartAssessed>>) => ({ assessed: Object.keys(assessed) }),
  },
  approve: { after: 'settle', kind: 'pivot', emits: CaseApproved },
});

/** Leaves a note of all it does and undoes; `refused` and `failing` are names of notes. */
@Injectable()
export class PartsSteps {
  readonly refused = new Set<string>();
  readonly failing = new Set<string>();

  constructor(@InjectRepository(Note) private readonly notes: Repository<Note>) {}

  @SagaStep(PartsCase.steps.openCase)
  async open(input: z.infer<typeof parts>): Promise<CaseOpened> {
    await this.noted('open');
    return new CaseOpened(input);
  }

  @Compensates(PartsCase.steps.openCase)
  unopen(): Promise<void> {
    return this.noted('unopen');
  }

  @SagaStep(PartsCase.steps.settle)
  settle(opened: CaseOpened): z.infer<typeof parts> {
    return { parts: opened.parts };
  }

  @SagaStep(PartsCase.steps.approve)
  async approve(settled: PartsSettled): Promise<CaseApproved> {
    await this.noted(`approve ${settled.assessed.join('+')}`);
    return new CaseApproved({});
  }

  @SagaStep(PartsClaim.steps.register)
  async register(input: z.infer<typeof parts>): Promise<PartsRegistered> {
    await this.noted('register');
    return new PartsRegistered(input);
  }

  @Compensates(PartsClaim.steps.register)
  unregister(): Promise<void> {
    return this.noted('unregister');
  }

  @SagaStep(PartsClaim.steps.assess)
  async assess(_registered: PartsRegistered, saga: StepContext): Promise<PartAssessed> {
    await this.noted(`assess ${saga.branch}`);
    return new PartAssessed({ part: saga.branch });
  }

  @Compensates(PartsClaim.steps.assess, { retry: { retries: 1 } })
  unassess(_assessed: PartAssessed, saga: StepContext): Promise<void> {
    return this.noted(`unassess ${saga.branch}`);
  }

  /** The failure comes after the write, so the write has to be undone with it. */
  private async noted(text: string): Promise<void> {
    await this.notes.insert({ text });
    if (this.failing.has(text)) throw new Error(`${text} fails`);
    if (this.refused.has(text)) throw new StepRejected(`${text} refused`);
  }
}
