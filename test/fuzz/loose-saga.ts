import { z } from 'zod';
import { defineSaga, DomainEvent } from '../../libs/saga/src/definition/index.js';
import type { BoundStep } from '../../libs/saga/src/flow/bound-step.js';
import { bind } from '../flow/stage/service.js';

/** Takes whatever JSON can hold: nothing but the library itself stands between a record and the store. */
const anything = z.looseObject({});

export class Asked extends DomainEvent('loose.asked', anything) {}
export class Begun extends DomainEvent('loose.begun', anything) {}
export class Gone extends DomainEvent('loose.gone', anything) {}
export class Refused extends DomainEvent('loose.refused', anything) {}
export class Undone extends DomainEvent('loose.undone', anything) {}
export class Ended extends DomainEvent('loose.ended', anything) {}

export const Loose = defineSaga('loose', {
  begin: { on: Asked, emits: Begun, compensated: Undone },
  go: { after: 'begin', emits: Gone, rejected: Refused },
  end: { after: 'go', kind: 'pivot', emits: Ended },
});

/** Each step answers with what it was given. */
export const looseSteps: readonly BoundStep[] = [
  bind(Loose, 'begin', (asked: object) => new Begun({ ...asked }), {
    undo: (begun: object) => new Undone({ ...begun }),
  }),
  bind(Loose, 'go', (begun: object) => new Gone({ ...begun })),
  bind(Loose, 'end', (gone: object) => new Ended({ ...gone })),
];
