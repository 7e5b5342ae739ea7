import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Compensates, DomainEvent, OnSagaEvent, SagaStep, StepRejected, defineSaga } from 'nest-saga';
import { Column, Entity, PrimaryColumn, type Repository } from 'typeorm';
import { z } from 'zod';
import { Journal } from '../scenarios/journal.js';

const transfer = z.object({ amount: z.number() });

class TransferAsked extends DomainEvent('held.transfer.asked', transfer) {}
class Debited extends DomainEvent('held.debited', transfer) {}
class Credited extends DomainEvent('held.credited', transfer) {}
class Posted extends DomainEvent('held.posted', transfer) {}
class Told extends DomainEvent('held.told', z.object({})) {}

export const Transfer = defineSaga('held-transfer', {
  ask: { input: transfer, emits: TransferAsked },
  debit: { after: 'ask', emits: Debited },
  credit: { after: 'debit', emits: Credited },
  post: { after: 'credit', kind: 'pivot', emits: Posted },
  tell: { after: 'post', kind: 'retriable', emits: Told },
});

@Entity('account')
export class Account {
  @PrimaryColumn({ type: 'text' }) name!: string;
  @Column({ type: 'integer' }) balance!: number;
}

/** What is to go wrong: names of handlers that throw after their write, once or until it is mended. */
export class Faults {
  readonly of = new Map<string, 'once' | 'always'>();

  strike(handler: string): void {
    const fault = this.of.get(handler);
    if (fault === 'once') this.of.delete(handler);
    if (fault) throw new Error(`${handler} fails after its write`);
  }
}

@Injectable()
export class LedgerSteps {
  constructor(
    private readonly journal: Journal,
    private readonly faults: Faults,
  ) {}

  @SagaStep(Transfer.steps.ask)
  async ask({ amount }: z.infer<typeof transfer>): Promise<TransferAsked> {
    await this.journal.note('ask');
    return new TransferAsked({ amount });
  }

  @Compensates(Transfer.steps.ask)
  async unask(): Promise<void> {
    await this.journal.note('unask');
    this.faults.strike('unask');
  }

  @SagaStep(Transfer.steps.post)
  async post({ amount }: Credited): Promise<Posted> {
    await this.journal.note('post');
    this.faults.strike('post');
    if (amount > 500) throw new StepRejected('over the limit');
    return new Posted({ amount });
  }

  @OnSagaEvent(Credited)
  async heard(): Promise<void> {
    await this.journal.note('heard');
    this.faults.strike('heard');
  }
}

@Injectable()
export class PayerSteps {
  constructor(
    @InjectRepository(Account) private readonly accounts: Repository<Account>,
    private readonly faults: Faults,
  ) {}

  @SagaStep(Transfer.steps.debit)
  async debit({ amount }: TransferAsked): Promise<Debited> {
    await this.add('payer', -amount);
    this.faults.strike('debit');
    return new Debited({ amount });
  }

  @Compensates(Transfer.steps.debit)
  async undebit({ amount }: Debited): Promise<void> {
    await this.add('payer', amount);
    this.faults.strike('undebit');
  }

  @SagaStep(Transfer.steps.tell)
  tell(_posted: Posted): Told {
    this.faults.strike('tell');
    return new Told({});
  }

  /** Read, changed and saved, as a user does it. */
  private async add(name: string, amount: number): Promise<void> {
    const account = await this.accounts.findOneByOrFail({ name });
    account.balance += amount;
    await this.accounts.save(account);
  }
}

@Injectable()
export class PayeeSteps {
  constructor(
    @InjectRepository(Account) private readonly accounts: Repository<Account>,
    private readonly faults: Faults,
  ) {}

  @SagaStep(Transfer.steps.credit)
  async credit({ amount }: Debited): Promise<Credited> {
    await this.accounts.increment({ name: 'payee' }, 'balance', amount);
    this.faults.strike('credit');
    return new Credited({ amount });
  }

  @Compensates(Transfer.steps.credit)
  async uncredit({ amount }: Credited): Promise<void> {
    await this.accounts.decrement({ name: 'payee' }, 'balance', amount);
    this.faults.strike('uncredit');
  }
}
