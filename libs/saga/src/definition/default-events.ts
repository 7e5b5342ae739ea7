import type { StandardSchemaV1 } from '@standard-schema/spec';
import { DomainEvent, type EventClass } from './domain-event.js';

/** The data of a closing event that the library makes: which step began the closing, and why. */
export interface ClosingData {
  readonly failedStep: string;
  readonly reason: string;
}

const closingSchema: StandardSchemaV1<ClosingData, ClosingData> = {
  '~standard': {
    version: 1,
    vendor: 'nest-saga',
    validate(data) {
      const { failedStep, reason } = (data ?? {}) as Record<string, unknown>;
      if (typeof failedStep === 'string' && typeof reason === 'string') return { value: { failedStep, reason } };
      return { issues: [{ message: 'expected { failedStep: string, reason: string }' }] };
    },
  },
};

const emptySchema: StandardSchemaV1<object, object> = {
  '~standard': { version: 1, vendor: 'nest-saga', validate: () => ({ value: {} }) },
};

type Closing = 'rejected' | 'compensated' | 'cancelled';

/** The default event of a closing: `task-assignment.assign-user.rejected`. */
export function defaultEvent(saga: string, step: string, outcome: Closing): EventClass<string, never, ClosingData> {
  return class extends DomainEvent(defaultEventType(saga, step, outcome), closingSchema) {};
}

/** The event of a step that was not needed (`publishing.clear-rights.skipped`), or of one that the library itself has done (`claim.commit.done`). */
export function emptyEvent(saga: string, step: string, outcome: 'skipped' | 'done'): EventClass {
  return class extends DomainEvent(defaultEventType(saga, step, outcome), emptySchema) {};
}

export function defaultEventType(saga: string, step: string, outcome: Closing | 'skipped' | 'done'): string {
  return `${saga}.${kebab(step)}.${outcome}`;
}

function kebab(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase();
}
