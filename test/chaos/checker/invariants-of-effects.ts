import { grouped } from './grouped.js';
import type { Evidence } from './evidence.js';
import type { Harm, Invariant, Violation } from './invariant.js';
import { effects, timesHad, type Effect, type Ending, type Story } from './story.js';

type Found = Omit<Violation, 'invariant'>;

/** The effects that a saga has had when it has ended so; all others must not have been. */
const effectsOf: Readonly<Record<Exclude<Ending, 'parked' | 'open'>, readonly Effect[]>> = {
  completed: [
    'task created',
    'task marked assigned',
    'user assigned',
    'mail sent',
    'reminder scheduled',
    'notification logged as sent',
  ],
  'refused by assignUser': ['task created', 'task marked failed'],
  'refused by sendNotification': [
    'task created',
    'task marked failed',
    'user assigned',
    'user unassigned',
    'notification logged as refused',
  ],
};

/** The step whose fence row tells of the effect, and the statuses that it may have then. */
const fenceOf: readonly (readonly [effect: Effect, step: string, statuses: readonly string[]])[] = [
  ['task created', 'createTask', ['done', 'compensating', 'compensated', 'deadLettered']],
  ['task marked failed', 'createTask', ['compensated']],
  ['user assigned', 'assignUser', ['done', 'compensating', 'compensated', 'deadLettered']],
  ['user unassigned', 'assignUser', ['compensated']],
  ['reminder scheduled', 'scheduleReminder', ['done']],
];

/** An undo and what must have been undone, or refused, before it. */
const undoOrder: readonly (readonly [first: Effect, then: Effect])[] = [
  ['user assigned', 'user unassigned'],
  ['user unassigned', 'task marked failed'],
  ['task created', 'task marked failed'],
];

function countOf(story: Story, effect: Effect): Found | undefined {
  const { sagaId, ending } = story;
  const had = timesHad(story, effect);
  const found = (harm: Harm, what: string): Found => ({ harm, sagaId, what: `${what} (${ending})` });
  if (had > 1) return found('doubled', `${effect} ${had} times`);
  if (ending === 'open' || ending === 'parked') return undefined;
  const expected = effectsOf[ending].includes(effect) ? 1 : 0;
  if (had < expected) return found('lost', `${effect}: never happened`);
  return had > expected ? found('wrong', `${effect}, which must not be`) : undefined;
}

const onceEach: Invariant = {
  name: 'I2',
  says: 'each effect of a step happened exactly once, and none that must not be',
  check: (_evidence, stories) => stories.flatMap((story) => effects.flatMap((effect) => countOf(story, effect) ?? [])),
};

const oneStartPerKey: Invariant = {
  name: 'I2',
  says: 'a key started one saga',
  check: ({ acknowledged, tasks }) => {
    const sagas = grouped(acknowledged, ({ key }) => key);
    const made = grouped(tasks, ({ title }) => title);
    return [...sagas].flatMap(([key, answers]) => {
      const ids = new Set([
        ...answers.map(({ sagaId }) => sagaId),
        ...(made.get(key) ?? []).map((task) => task.saga_id),
      ]);
      return ids.size > 1 ? [{ harm: 'doubled' as const, what: `key ${key} started ${[...ids].join(' and ')}` }] : [];
    });
  },
};

const undoneInOrder: Invariant = {
  name: 'I3',
  says: 'undos came after what they undo, and after the undos of all that came later',
  check: (_evidence, stories) =>
    stories.flatMap(({ sagaId, times }) =>
      undoOrder.flatMap(([first, then]) => {
        const earlier = times.get(first)?.[0];
        const later = times.get(then)?.[0];
        if (earlier === undefined || later === undefined || earlier < later) return [];
        return [{ harm: 'wrong' as const, sagaId, what: `undone in the wrong order: ${then} before ${first}` }];
      }),
    ),
};

const fenced: Invariant = {
  name: 'I6',
  says: 'no effect without the fence row that tells of it',
  check: (_evidence, stories) =>
    stories.flatMap((story) =>
      fenceOf.flatMap(([effect, step, statuses]) => {
        if (timesHad(story, effect) === 0) return [];
        const status = story.fences.find((fence) => fence.step === step)?.status ?? 'missing';
        if (statuses.includes(status)) return [];
        return [
          { harm: 'wrong' as const, sagaId: story.sagaId, what: `${effect}, but the row of ${step} is ${status}` },
        ];
      }),
    ),
};

const placesConserved: Invariant = {
  name: 'I8',
  says: 'no user has more tasks than places, and no place stays free that a task asked for',
  check: (evidence, stories) => {
    const asked = grouped(stories, (story) => story.task?.assignee_id ?? story.request?.user ?? '');
    return evidence.places.flatMap((place) => placeOf(place, evidence, asked.get(place.user) ?? []));
  },
};

function placeOf(
  { user, capacity, reachable }: Evidence['places'][number],
  { assignments, mayGiveUp }: Evidence,
  asked: readonly Story[],
): readonly Found[] {
  const taken = assignments.filter((assignment) => assignment.user_id === user).length;
  const wanted = reachable ? Math.min(capacity, asked.length) : 0;
  if (taken > capacity) return [{ harm: 'doubled', what: `${user} has ${taken} tasks and ${capacity} places` }];
  const settled = asked.every(({ ending }) => ending !== 'open' && ending !== 'parked');
  if (!settled || taken === wanted || (taken < wanted && mayGiveUp.has(user))) return [];
  return [{ harm: 'wrong', what: `${user} has ${taken} tasks where ${wanted} are to be (${asked.length} asked for)` }];
}

export const invariantsOfEffects: readonly Invariant[] = [
  onceEach,
  oneStartPerKey,
  undoneInOrder,
  fenced,
  placesConserved,
];
