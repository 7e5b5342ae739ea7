import { DomainEvent, defineSaga } from 'nest-saga';
import { z } from 'zod';

const parts = z.object({ parts: z.array(z.string()) });
const part = z.object({ part: z.string() });
/** `claim`: the saga that holds the money. */
const money = z.object({ part: z.string(), claim: z.string() });
const holders = z.object({ claims: z.array(z.string()) });

export class CaseOpened extends DomainEvent('settlement.case.opened', parts) {}
export class PartAssessed extends DomainEvent('settlement.part.assessed', part) {}
export class CoverAsked extends DomainEvent('settlement.cover.asked', part) {}
export class PartInsured extends DomainEvent('settlement.part.insured', part) {}
export class CoverFound extends DomainEvent('settlement.cover.found', part) {}
export class MoneyReserved extends DomainEvent('settlement.money.reserved', money) {}
export class PartSettled extends DomainEvent('settlement.part.settled', money) {}
export class PartSigned extends DomainEvent('settlement.part.signed', part) {}
export class CaseClosed extends DomainEvent('settlement.case.closed', holders) {}
export class MoneyPaid extends DomainEvent('settlement.money.paid', z.object({})) {}
export class CaseFiled extends DomainEvent('settlement.case.filed', z.object({})) {}

/** Asked for at the bank, insured at the desk. */
export const Cover = defineSaga(
  'settlement-cover',
  { ask: { input: part, emits: CoverAsked }, insure: { after: 'ask', emits: PartInsured } },
  { commits: 'withParent' },
);

/** Assessed in the office; cover and money are the bank's. */
export const Claim = defineSaga(
  'settlement-claim',
  {
    assess: { input: part, emits: PartAssessed },
    cover: { after: 'assess', saga: Cover, emits: CoverFound },
    reserve: { after: 'cover', emits: MoneyReserved },
  },
  { commits: 'withParent' },
);

/** A claim for each part, in the office; then the owner of each signs at the desk. */
export const Case = defineSaga('settlement-case', {
  open: { input: parts, emits: CaseOpened },
  settle: { after: 'open', each: (opened: CaseOpened) => opened.parts, saga: Claim, emits: PartSettled },
  sign: { after: 'settle', each: (opened: CaseOpened) => opened.parts, awaits: 'signal', emits: PartSigned },
  close: { after: ['settle', 'sign'], kind: 'pivot', emits: CaseClosed },
  pay: { after: 'close', kind: 'retriable', emits: MoneyPaid },
  file: { after: 'pay', kind: 'retriable', emits: CaseFiled },
});
