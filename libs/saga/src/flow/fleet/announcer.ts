import { fingerprintOf, outlineOf } from '../../definition/fingerprint.js';
import type { SagaGraph } from '../../definition/saga-definition.js';
import { announcementText, placeKey, type Announcement } from '../../protocol/announcement.js';
import { SagaError } from '../../protocol/errors.js';
import { reasonOf } from '../../protocol/reason.js';
import { inOwnContext } from '../../ports/own-context.js';
import type { Board, Posting } from '../../ports/board.js';
import type { Participant } from '../participant.js';
import { within } from '../within.js';
import { announcedPlaces, Fleet } from './fleet.js';
import { findingsOf, stranger, unannounced, unannouncedLine } from './findings.js';
import { ownerPosting } from './owners.js';

const announceEvery = 30_000;
const lookSoon = 200;
/** Services that are started together are given so long before anybody is missed, ms. */
const patience = 15_000;

export interface Announcing {
  readonly board: Board;
  /** The name of the board. */
  readonly name: string;
  /** What this process is, for people. */
  readonly program: string;
  readonly sagas: readonly SagaGraph[];
  /** Places of steps for which nothing new is begun here once another service has taken them. */
  readonly handsOver: readonly string[];
  /** Services that are gone for good, whose steps this one takes. */
  readonly takesOver: readonly string[];
}

type Ground = Pick<Participant, 'service' | 'steps' | 'clock' | 'chance' | 'logger'>;

/** Says who this replica is and what it has, hears who the others are, and tells what does not fit. Whatever keeps it from that keeps no saga from moving. */
export class Announcer {
  readonly fleet: Fleet;
  private readonly own: Announcement;
  private reading: Promise<(() => Promise<void>) | undefined> | undefined;
  private readonly said = new Set<string>();
  private readonly missed = new Set<string>();
  private isQuiet = false;
  private stopped = false;
  private readonly pending = new Set<() => void>();
  private looking = false;
  private readonly looked: { resolve(): void; readonly done: Promise<void> };

  constructor(
    private readonly ground: Ground,
    private readonly announcing: Announcing,
  ) {
    const { service, steps, chance, clock } = ground;
    const { program, sagas, handsOver } = announcing;
    this.own = {
      service,
      replica: chance.newId(),
      program,
      sagas: sagas.map((saga) => ({
        name: saga.name,
        version: saga.version,
        graph: fingerprintOf(saga),
        outline: outlineOf(saga),
      })),
      ...announcedPlaces(steps),
      handsOver,
      left: false,
    };
    this.fleet = new Fleet(this.own, steps, clock);
    let resolve = (): void => undefined;
    const done = new Promise<void>((looked) => (resolve = looked));
    this.looked = { resolve, done };
  }

  /**
   * Begins, and resolves when the board was read and the steps of this service are settled, or nobody can tell; at the latest after `ms`.
   *
   * @throws SagaError `SERVICE_NAME_TAKEN`
   */
  async start(ms: number): Promise<void> {
    this.reading ??= inOwnContext(() => this.begin());
    const late = new Promise<void>((resolve) => this.after(ms, resolve));
    await Promise.race([this.looked.done, late]);
    const other = stranger(this.own, this.fleet.present());
    if (!other) return;
    throw new SagaError(
      'SERVICE_NAME_TAKEN',
      `Service "${this.own.service}" runs already as another program (${other.program}) with other steps (${named(other)}); both would take each other's events. Give one of them a name of its own: SagaModule.forRoot({ service }). If it is the same service with other steps, stop it first.`,
      { retriable: false },
    );
  }

  /** A saga begins: said once, if nobody has announced some of its steps. */
  beginning(saga: SagaGraph): void {
    const name = `${saga.name}@${saga.version}`;
    if (this.said.has(name) || !this.fleet.knows(this.own.replica)) return;
    this.said.add(name);
    this.tellUnannounced(saga);
  }

  /** Says that this replica stops; waits for that `ms` at most. */
  async stop(ms: number): Promise<void> {
    if (!this.stopped) await within(this.ground.clock, ms, this.leave());
  }

  private async leave(): Promise<void> {
    this.stopped = true;
    for (const forget of this.pending) forget();
    this.looked.resolve();
    const end = await this.reading;
    if (!end) return;
    await this.post([this.posting({ ...this.own, left: true })]);
    await end().catch((error: unknown) => this.trouble(error));
  }

  private async begin(): Promise<(() => Promise<void>) | undefined> {
    if (this.stopped) return undefined;
    const { board, name } = this.announcing;
    try {
      const end = await board.read(name, (posting) => this.take(posting));
      await this.announce();
      this.after(patience, () => this.tellMissing());
      return end;
    } catch (error) {
      this.trouble(error);
      this.looked.resolve();
      this.after(announceEvery, () => void (this.reading = this.begin()));
      return undefined;
    }
  }

  private async announce(): Promise<void> {
    if (this.stopped) return;
    const gone = this.fleet.gone().map((key) => ({ key }));
    await this.post([this.posting(this.own), ...gone]);
    this.after(announceEvery, () => void this.announce());
  }

  private take(posting: Posting): void {
    const restored = this.fleet.take(posting);
    if (restored && this.fleet.knows(this.own.replica)) void this.post([restored]);
    if (this.looking || this.stopped) return;
    this.looking = true;
    this.after(this.isQuiet ? lookSoon : 0, () => void this.look());
  }

  /** Claims what is nobody's, and tells what does not fit. Only once this replica has read what it posted itself: then it has read all that stood there before. */
  private async look(): Promise<void> {
    this.looking = false;
    if (this.stopped || !this.fleet.knows(this.own.replica)) return;
    const claims = this.claims();
    if (claims.length > 0) await this.post(claims);
    const { steps, logger } = this.ground;
    const isSettled = this.own.steps.every((place) => this.fleet.owner(placeKey(place)));
    if (!isSettled) return;
    this.isQuiet = true;
    this.looked.resolve();
    for (const { level, line } of findingsOf(this.fleet, steps, this.announcing.sagas)) {
      if (this.said.has(line)) continue;
      this.said.add(line);
      logger[level](line);
    }
  }

  private claims(): readonly Posting[] {
    const { service, handsOver } = this.own;
    const replicas = this.fleet.present().filter((one) => one.service === service);
    return this.own.steps.flatMap((step): readonly Posting[] => {
      const place = placeKey(step);
      const owner = this.fleet.owner(place);
      if (!owner) return [ownerPosting(place, { service, handsOver: false })];
      if (owner.service === service) {
        const isHanded = handsOver.includes(place) && replicas.every((one) => one.handsOver.includes(place) || !one.steps.some((other) => placeKey(other) === place)); // prettier-ignore
        if (isHanded === owner.handsOver) return [];
        if (!isHanded && replicas.some((one) => one.handsOver.includes(place))) return [];
        return [ownerPosting(place, { ...owner, handsOver: isHanded })];
      }
      if (handsOver.includes(place)) return [];
      const from = owner.service;
      if (owner.handsOver) return [ownerPosting(place, { service, handsOver: false, from })];
      const isGone = !this.fleet.present().some((one) => one.service === from);
      const takes = this.announcing.takesOver.includes(from) && isGone;
      return takes ? [ownerPosting(place, { service, handsOver: false, from, dead: true })] : [];
    });
  }

  private tellMissing(): void {
    if (this.fleet.knows(this.own.replica)) for (const saga of this.announcing.sagas) this.tellUnannounced(saga);
  }

  private tellUnannounced(saga: SagaGraph): void {
    const steps = unannounced(this.fleet, saga).filter(
      (step) => !this.missed.has(`${saga.name}@${saga.version}/${step}`),
    );
    if (steps.length === 0) return;
    for (const step of steps) this.missed.add(`${saga.name}@${saga.version}/${step}`);
    this.ground.logger.warn(unannouncedLine(saga, steps));
  }

  private posting(announcement: Announcement): Posting {
    return { key: `replica/${this.own.service}/${this.own.replica}`, value: announcementText(announcement) };
  }

  private async post(postings: readonly Posting[]): Promise<void> {
    await this.announcing.board.post(this.announcing.name, postings).catch((error: unknown) => this.trouble(error));
  }

  private after(ms: number, call: () => void): void {
    if (this.stopped) return;
    const forget = this.ground.clock.after(ms, () => {
      this.pending.delete(forget);
      call();
    });
    this.pending.add(forget);
  }

  /** Said once for each reason. */
  private trouble(error: unknown): void {
    const line = `Services cannot tell each other what they have, so what does not fit among them is not found: ${reasonOf(error)}`;
    if (this.said.has(line)) return;
    this.said.add(line);
    this.ground.logger.warn(line);
  }
}

function named({ steps, listeners }: Announcement): string {
  const names = [...steps.map((step) => `"${step.saga}/${step.step}"`), ...listeners.map(({ step }) => `"${step}"`)];
  return names.length > 5 ? `${names.slice(0, 5).join(', ')}, …` : names.join(', ');
}
