import { SagaOperator, Sagas, type CircuitSetting, type TrackedSaga } from 'nest-saga';
import { beforeEach, describe, expect, test } from 'vitest';
import { until } from '../e2e/rows.js';
import { eventually } from '../nest/scene.js';
import { disturbances, type Disturbance } from './disturbances.js';
import { Publishing } from './publishing.saga.js';
import { DeskSteps, GivenUp, NewsletterSteps, Page, RightsSteps, SearchEngine, SiteSteps } from './publishing.steps.js';
import { Services } from './services.js';

const patience = { timeout: 90_000 };
const hour = 3_600_000;
const olga = { actor: 'olga', reason: 'the search engine is up again' };

let search: SearchEngine;
beforeEach(() => {
  search = new SearchEngine();
});

type World = Services<'desk' | 'rights' | 'site' | 'newsletter'>;

async function started(disturbance: Disturbance, circuit: CircuitSetting = 'off'): Promise<World> {
  const on = [{ error: GivenUp, firstDelay: hour, maxDelay: hour }];
  const retry = { retries: 3, firstDelay: 10, maxDelay: 30, jitter: 0, on };
  const world: World = await Services.of(
    {
      desk: { entities: [], providers: [DeskSteps], tracks: true },
      rights: { entities: [], providers: [RightsSteps] },
      site: {
        entities: [Page],
        providers: [SiteSteps, { provide: SearchEngine, useValue: search }],
        saga: { retry, circuit, settings: { lease: 2_000, alertAfter: 100 } },
      },
      newsletter: { entities: [], providers: [NewsletterSteps] },
    },
    disturbance,
  );
  await world.start(...world.names);
  return world;
}

const submitted = async (world: World, title: string, premium: boolean): Promise<string> =>
  (await world.sagas.start(Publishing, { title, premium })).sagaId;
const pages = (world: World): Promise<Page[]> => world.query<Page>('site', 'SELECT * FROM page');
/** The events of a saga that the business knows; those that the library makes are named after the saga. */
const told = ({ history }: TrackedSaga): readonly string[] =>
  history.map(({ type }) => type).filter((type) => !type.startsWith(`${Publishing.name}.`));
const outcomes = async (world: World, sagaId: string, steps: Record<string, string>): Promise<void> =>
  eventually(async () => expect(await world.sagas.status(sagaId)).toMatchObject({ steps, inconsistencies: [] }));

describe.each(disturbances)('scenario 11, publishing an article, $name', (disturbance) => {
  test.each([
    ['premium', true, 'x has its rights cleared', 'rights.cleared'],
    ['standard', false, 'x has the imprint', 'imprint.added'],
  ] as const)('%s: only its own branch is taken, and it is published', patience, async (_, premium, done, event) => {
    const world = await started(disturbance);
    const sagaId = await submitted(world, 'x', premium);
    const tracked = await world.settled(sagaId);
    expect(tracked).toMatchObject({ status: 'completed', inconsistencies: [] });
    expect((await world.journal()).toSorted()).toEqual(
      ['x submitted', 'x moderated', done, 'x published', 'x is in the newsletter'].toSorted(),
    );
    const branches = ['rights.cleared', 'imprint.added'];
    await eventually(async () =>
      expect(told((await world.sagas.status(sagaId))!).filter((type) => branches.includes(type))).toEqual([event]),
    );
    expect(await pages(world)).toEqual([{ title: 'x', indexed: true }]);
  });

  test(
    'its rights are refused: what ran is undone, and nobody hears of the branch that was skipped',
    patience,
    async () => {
      const world = await started(disturbance);
      const sagaId = await submitted(world, 'stolen', true);
      expect(await world.settled(sagaId)).toMatchObject({ status: 'aborted', debts: [] });
      await outcomes(world, sagaId, {
        submit: 'compensated',
        moderate: 'compensated',
        clearRights: 'rejected',
        addImprint: 'skipped',
        publish: 'cancelled',
        index: 'cancelled',
        queueNewsletter: 'cancelled',
      });
      expect(told((await world.sagas.status(sagaId))!)).toEqual([
        'article.submitted',
        'moderation.passed',
        'rights.refused',
        'moderation.withdrawn',
        'article.returned',
      ]);
      expect(await world.journal()).toEqual([
        'stolen submitted',
        'stolen moderated',
        'stolen no longer moderated',
        'stolen given back: clearRights: not ours',
      ]);
      expect(await pages(world)).toEqual([]);
    },
  );

  test.each([
    ['late premium', true, 'has its rights cleared', 'has its rights returned'],
    ['late', false, 'has the imprint', 'has no imprint any more'],
  ] as const)(
    '%s: publication is refused, and only its own branch is undone',
    patience,
    async (title, premium, done, undone) => {
      const world = await started(disturbance);
      const sagaId = await submitted(world, title, premium);
      expect(await world.settled(sagaId)).toMatchObject({ status: 'aborted', debts: [] });
      await outcomes(world, sagaId, { [premium ? 'addImprint' : 'clearRights']: 'skipped', publish: 'rejected' });
      const notes = [
        'submitted',
        'moderated',
        done,
        undone,
        'no longer moderated',
        'given back: publish: the issue is closed',
      ];
      expect(await world.journal()).toEqual(notes.map((note) => `${title} ${note}`));
      expect(await pages(world)).toEqual([]);
    },
  );
});

const alertsIn = ({ log }: World): readonly string[] => log.errors.filter((line) => line.includes('Step "index"'));

/** Published, while its index failed so many times. */
async function published(world: World, sagaId: string, failures: number): Promise<void> {
  const hasFailed = async (): Promise<boolean> => search.failures >= failures;
  await until(`the index failed ${failures} times`, hasFailed, 60_000);
  expect(await pages(world)).toEqual([{ title: 'x', indexed: false }]);
  expect(await world.sagas.status(sagaId)).toMatchObject({ status: 'running', steps: { publish: 'done' } });
}

const dependencies: readonly (readonly [string, CircuitSetting])[] = [
  ['is attempted each time', 'off'],
  ['is guarded by a circuit', { failures: 10, halfOpenAfter: 40 }],
];

describe.each(disturbances)('scenario 11, the index fails 50 times, $name', (disturbance) => {
  test.each(dependencies)(
    '%s: never unpublished, one alert of each process, and redriven it completes',
    patience,
    async (_, circuit) => {
      search.isDown = true;
      const world = await started(disturbance, circuit);
      const sagaId = await submitted(world, 'x', false);
      await published(world, sagaId, 25);
      const alert = expect.stringMatching(`Step "index" of saga ${sagaId} keeps failing since`);
      await eventually(() => expect(alertsIn(world)).toEqual([alert]));
      await world.struck();
      await world.kill('site');
      await world.restart('site');
      await published(world, sagaId, 50);

      await eventually(() => expect(alertsIn(world)).toEqual([alert, alert]));
      expect(await world.sagas.requestAbort(sagaId, 'too late')).toBe('refused');
      await eventually(async () =>
        expect(await world.get('site', Sagas).health()).toMatchObject({
          failing: [{ step: 'index', sagaId }],
          circuits: circuit === 'off' ? [] : [{ step: 'index', of: 'step' }],
        }),
      );

      search.isDown = false;
      const answer = await world.get('site', SagaOperator).redrive({ sagaId, step: 'index', ...olga });
      const wasFirst = circuit !== 'off' && answer.status === 'done'; // the circuit has let it through already
      expect(answer.verdict).toBe(wasFirst ? 'refused' : 'applied');
      expect(await world.settled(sagaId)).toMatchObject({ status: 'completed', inconsistencies: [] });
      expect(await pages(world)).toEqual([{ title: 'x', indexed: true }]);
      expect(await world.get('site', Sagas).health()).toMatchObject({ failing: [], circuits: [] });
      expect(alertsIn(world)).toHaveLength(2);
    },
  );
});
