import { grouped } from './grouped.js';
import type { Acknowledged, AuditEntry, Evidence, FenceRecord, TaskRow } from './evidence.js';

/** What a saga can do to the world, each at most once. */
export const effects = [
  'task created',
  'task marked failed',
  'task marked assigned',
  'user assigned',
  'user unassigned',
  'mail sent',
  'reminder scheduled',
  'notification logged as sent',
  'notification logged as refused',
] as const;

export type Effect = (typeof effects)[number];

/** How a saga ended, told by its task. `parked`: a step of it is a dead letter and waits for a person. */
export type Ending = 'completed' | 'refused by assignUser' | 'refused by sendNotification' | 'parked' | 'open';

/** Everything known of one saga. */
export interface Story {
  readonly sagaId: string;
  readonly request: Acknowledged | undefined;
  readonly task: TaskRow | undefined;
  readonly ending: Ending;
  readonly fences: readonly FenceRecord[];
  /** When each effect was had, every time. */
  readonly times: ReadonlyMap<Effect, readonly number[]>;
  readonly mailIds: ReadonlySet<string>;
}

export function storiesOf(evidence: Evidence): readonly Story[] {
  const tasks = new Map(evidence.tasks.map((task) => [task.saga_id, task]));
  const requests = new Map(evidence.acknowledged.map((request) => [request.sagaId, request]));
  const waiting = new Set(
    evidence.kept.filter(({ open, step }) => open && step !== null).map((letter) => letter.saga_id),
  );
  const fences = grouped(evidence.fences, (fence) => fence.saga_id);
  const changes = grouped(evidence.audit.filter(effectOf), sagaOf);
  const mails = grouped(evidence.mails, ({ text }) => /Task (\S+)/.exec(text)?.[1]);
  const sagaIds = new Set([...requests.keys(), ...tasks.keys(), ...fences.keys(), ...changes.keys()]);
  return [...sagaIds].map((sagaId) => {
    const task = tasks.get(sagaId);
    const ofSaga = fences.get(sagaId) ?? [];
    const mailed = mails.get(task?.id ?? requests.get(sagaId)?.taskId) ?? [];
    return {
      sagaId,
      request: requests.get(sagaId),
      task,
      ending: waiting.has(sagaId) ? 'parked' : endingOf(task),
      fences: ofSaga,
      times: timesOf(changes.get(sagaId) ?? []),
      mailIds: new Set(mailed.map(({ messageId }) => messageId)),
    };
  });
}

export function timesHad(story: Story, effect: Effect): number {
  return effect === 'mail sent' ? story.mailIds.size : (story.times.get(effect)?.length ?? 0);
}

function endingOf(task: TaskRow | undefined): Ending {
  if (task?.status === 'assigned') return 'completed';
  if (task?.status !== 'assignment_failed') return 'open';
  return task.failed_step === 'sendNotification' ? 'refused by sendNotification' : 'refused by assignUser';
}

function timesOf(entries: readonly AuditEntry[]): ReadonlyMap<Effect, readonly number[]> {
  const byEffect = grouped(entries, (entry) => effectOf(entry)!);
  return new Map([...byEffect].map(([effect, had]) => [effect, had.map(({ at }) => at)]));
}

function sagaOf({ before, after }: AuditEntry): string {
  return String((after ?? before)?.['saga_id']);
}

/** The effect that a committed change is, if it is one. */
function effectOf({ table, operation, before, after }: AuditEntry): Effect | undefined {
  const status = String(after?.['status']);
  switch (`${operation} ${table}`) {
    case 'INSERT task':
      return 'task created';
    case 'UPDATE task':
      return status === 'assigned' ? 'task marked assigned' : 'task marked failed';
    case 'INSERT assignment':
      return 'user assigned';
    case 'DELETE assignment':
      return before ? 'user unassigned' : undefined;
    case 'INSERT reminder':
      return 'reminder scheduled';
    case 'INSERT notification':
      return status === 'sent' ? 'notification logged as sent' : 'notification logged as refused';
    default:
      return undefined;
  }
}
