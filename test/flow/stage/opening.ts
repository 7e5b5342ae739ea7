import { z } from 'zod';
import { defineSaga, DomainEvent } from '../../../libs/saga/src/definition/index.js';
import type { BoundStep } from '../../../libs/saga/src/flow/bound-step.js';
import { write } from './charging.js';
import { bind } from './service.js';

const account = { accountId: z.string() };

export class Submitted extends DomainEvent('application.submitted', z.object(account)) {}
export class Reserved extends DomainEvent('account.reserved', z.object(account)) {}
export class Released extends DomainEvent('account.released', z.object({ ...account, why: z.string() })) {}
export class Granted extends DomainEvent('approval.granted', z.object({ ...account, by: z.string() })) {}
export class Denied extends DomainEvent('approval.denied', z.object({ ...account, reason: z.string() })) {}
export class Activated extends DomainEvent('account.activated', z.object(account)) {}

export const second = 1_000;

/** Somebody decides: the pivot waits for a person, and what was reserved before is held for a while. */
export const Opening = defineSaga(
  'opening',
  {
    submit: { emits: Submitted },
    reserve: { after: 'submit', emits: Reserved, compensated: Released, expires: 96 * second },
    approve: {
      after: 'reserve',
      kind: 'pivot',
      awaits: 'signal',
      deadline: 72 * second,
      emits: Granted,
      rejected: Denied,
    },
    activate: { after: 'approve', kind: 'retriable', emits: Activated, deadline: 2 * second },
  },
  { deadline: 120 * second },
);

export const { submit, reserve, approve, activate } = Opening.steps;

export const granted = (by = 'ann'): Granted => new Granted({ accountId: 'a-1', by });
export const denied = (reason = 'no papers'): Denied => new Denied({ accountId: 'a-1', reason });

/** All steps of the saga; what a method does instead of its work is given by step. */
export function opening(instead: Partial<Record<string, () => unknown>> = {}): readonly BoundStep[] {
  const accountId = 'a-1';
  return [
    bind(Opening, 'submit', () => new Submitted({ accountId }), {
      undo: (_done, saga) => void write(saga, 'withdrawn'),
    }),
    bind(Opening, 'reserve', () => new Reserved({ accountId }), {
      undo: (_done, saga) => {
        write(saga, `released: ${saga.cause.step}: ${saga.cause.reason}`);
        return new Released({ accountId, why: saga.cause.reason });
      },
    }),
    bind(Opening, 'approve', (_reserved, saga) => {
      write(saga, 'asked for approval');
      return instead['approve']?.();
    }),
    bind(Opening, 'activate', () => instead['activate']?.() ?? new Activated({ accountId })),
  ];
}
