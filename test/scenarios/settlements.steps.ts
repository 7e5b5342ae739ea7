import { Injectable } from '@nestjs/common';
import { Compensates, SagaStep, SemanticLocks, StepRejected, type StepContext } from 'nest-saga';
import { Journal } from './journal.js';
import {
  Case,
  CaseClosed,
  CaseFiled,
  CaseOpened,
  Claim,
  Cover,
  CoverAsked,
  MoneyPaid,
  MoneyReserved,
  PartAssessed,
  PartInsured,
  type CoverFound,
  type PartSettled,
  type PartSigned,
} from './settlements.saga.js';

interface Part {
  readonly part: string;
}

/** What goes wrong in all services. It outlives them. */
export class Trouble {
  /** Says whether what is done now throws, refuses, or neither. */
  befalls: (deed: string) => 'throws' | 'refuses' | undefined = () => undefined;
}

/** Does what a step does: notes it, and then trouble may befall it. */
@Injectable()
export class Deeds {
  constructor(
    private readonly journal: Journal,
    private readonly trouble: Trouble,
  ) {}

  async done(deed: string, part: string, { correlationId }: StepContext): Promise<void> {
    await this.journal.note([correlationId, deed, part].join(' '));
    const befallen = this.trouble.befalls(deed);
    if (befallen === 'throws') throw new Error(`trouble with ${deed}`);
    if (befallen === 'refuses') throw new StepRejected(`no ${deed} for ${part}`);
  }
}

@Injectable()
export class OfficeSteps {
  constructor(
    private readonly deeds: Deeds,
    private readonly locks: SemanticLocks,
  ) {}

  @SagaStep(Case.steps.open)
  async open(given: { readonly parts: string[] }, saga: StepContext): Promise<CaseOpened> {
    await this.deeds.done('open', 'all', saga);
    return new CaseOpened(given);
  }

  @Compensates(Case.steps.open)
  discard(_: CaseOpened, saga: StepContext): Promise<void> {
    return this.deeds.done('unopen', 'all', saga);
  }

  /** No two cases settle one part at a time. */
  @SagaStep(Case.steps.settle)
  async settle(_: CaseOpened, saga: StepContext): Promise<Part> {
    await this.locks.acquire(saga, saga.branch, { onHeld: 'wait' });
    return { part: saga.branch };
  }

  @SagaStep(Claim.steps.assess)
  async assess({ part }: Part, saga: StepContext): Promise<PartAssessed> {
    await this.deeds.done('assess', part, saga);
    return new PartAssessed({ part });
  }

  @Compensates(Claim.steps.assess)
  forget({ part }: PartAssessed, saga: StepContext): Promise<void> {
    return this.deeds.done('unassess', part, saga);
  }

  @SagaStep(Case.steps.file)
  async file(_: MoneyPaid, saga: StepContext): Promise<CaseFiled> {
    await this.locks.release(saga);
    await this.deeds.done('file', 'all', saga);
    return new CaseFiled({});
  }
}

@Injectable()
export class BankSteps {
  constructor(
    private readonly deeds: Deeds,
    private readonly locks: SemanticLocks,
  ) {}

  @SagaStep(Claim.steps.cover)
  cover({ part }: PartAssessed): Part {
    return { part };
  }

  @SagaStep(Cover.steps.ask)
  async ask({ part }: Part, saga: StepContext): Promise<CoverAsked> {
    await this.deeds.done('ask', part, saga);
    return new CoverAsked({ part });
  }

  @Compensates(Cover.steps.ask)
  unask({ part }: CoverAsked, saga: StepContext): Promise<void> {
    return this.deeds.done('unask', part, saga);
  }

  /** The lock is the claim's, which has no step after the pivot: the case lets go of it. */
  @SagaStep(Claim.steps.reserve)
  async reserve({ part }: CoverFound, saga: StepContext): Promise<MoneyReserved> {
    await this.locks.acquire(saga, `money for ${part}`, { onHeld: 'reject' });
    await this.deeds.done('reserve', part, saga);
    return new MoneyReserved({ part, claim: saga.sagaId });
  }

  @Compensates(Claim.steps.reserve)
  release({ part }: MoneyReserved, saga: StepContext): Promise<void> {
    return this.deeds.done('unreserve', part, saga);
  }

  @SagaStep(Case.steps.pay)
  async pay({ claims }: CaseClosed, saga: StepContext): Promise<MoneyPaid> {
    for (const sagaId of claims) await this.locks.release({ sagaId });
    await this.deeds.done('pay', 'all', saga);
    return new MoneyPaid({});
  }
}

@Injectable()
export class DeskSteps {
  constructor(private readonly deeds: Deeds) {}

  @SagaStep(Cover.steps.insure)
  async insure({ part }: CoverAsked, saga: StepContext): Promise<PartInsured> {
    await this.deeds.done('insure', part, saga);
    return new PartInsured({ part });
  }

  @Compensates(Cover.steps.insure)
  uninsure({ part }: PartInsured, saga: StepContext): Promise<void> {
    return this.deeds.done('uninsure', part, saga);
  }

  @SagaStep(Case.steps.sign)
  askForSignature(): void {}

  @Compensates(Case.steps.sign)
  tearUp({ part }: PartSigned, saga: StepContext): Promise<void> {
    return this.deeds.done('unsign', part, saga);
  }

  @SagaStep(Case.steps.close)
  async close({ settle }: { readonly settle: Record<string, PartSettled> }, saga: StepContext): Promise<CaseClosed> {
    await this.deeds.done('close', 'all', saga);
    return new CaseClosed({ claims: Object.values(settle).map(({ claim }) => claim) });
  }
}
