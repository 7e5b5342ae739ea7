import { commitStep } from '../../definition/nested.js';
import type { SagaGraph } from '../../definition/saga-definition.js';
import { announcementFrom, placeKey, type Announcement, type BoundPlace } from '../../protocol/announcement.js';
import type { Envelope } from '../../protocol/envelope.js';
import { reactionsTo } from '../../protocol/reactions.js';
import type { Posting } from '../../ports/board.js';
import type { Clock } from '../../ports/clock.js';
import type { IncomingRecord } from '../../ports/transport.js';
import type { Audience, BoundStep } from '../bound-step.js';
import type { BoundSteps } from '../bound-steps.js';
import { Owners, type Owner } from './owners.js';

/** Who has not announced itself for so long is not there any more, ms. */
export const goneAfter = 90_000;

/** From when on, after a step was taken over, its old owner begins nothing new, ms: by then all its replicas have heard. */
const cutAfter = 10_000;
/** From when on the new owner begins what comes to it by itself, ms; before, and for as long as the old one is there, it is what the old one passes on. */
const overlap = 300_000;

/** The header of a record that the old owner of a step passes on: who, and for which steps. */
export const handoverHeader = 'ce_sagahandover';

interface Heard {
  readonly announcement: Announcement;
  /** By the board's clock, and by ours when it came. */
  readonly at?: number;
  readonly came: number;
}

/** What becomes of a record for a step of which this service has no row yet. */
export type UnlessBegun = 'ignored' | 'passed' | undefined;

/** A step or a listener that another replica of this service has and this one has not. */
type Missing = BoundPlace & { readonly hears?: string };

const nobody: readonly Missing[] = [];

/** Who takes part in sagas, as everybody announces it: a fold of the board. */
export class Fleet {
  private readonly heard = new Map<string, Heard>();
  private readonly owners = new Owners();
  /** What other replicas of this service bind and this one does not, by audience, saga and version. */
  private missing = new Map<string, readonly Missing[]>();
  private boardTime: { readonly at: number; readonly came: number } | undefined;

  /** Every step of this service is its own, and was never another's. */
  isOrdinary = true;

  constructor(
    readonly self: Pick<Announcement, 'service' | 'replica' | 'handsOver'>,
    private readonly steps: BoundSteps,
    private readonly clock: Pick<Clock, 'now'>,
  ) {}

  /** @returns what has to be put back on the board */
  take(posting: Posting): Posting | undefined {
    if (this.owners.isAbout(posting)) {
      const restored = this.owners.take(posting);
      this.isOrdinary = this.steps.all().every((bound) => bound.hears !== undefined || this.isOwn(placeOf(bound)));
      return restored;
    }
    const { key, value, at } = posting;
    const announcement = value === undefined ? undefined : announcementFrom(value);
    const came = this.clock.now().getTime();
    if (!announcement) this.heard.delete(key);
    else this.heard.set(key, { announcement, ...(at !== undefined && { at }), came });
    if (announcement?.replica === this.self.replica && at !== undefined) this.boardTime = { at, came };
    this.missing = this.missingHere();
    return undefined;
  }

  /** The replicas that are there, this one among them. */
  present(): readonly Announcement[] {
    return this.lately().filter(({ left }) => !left);
  }

  knows(replica: string): boolean {
    return [...this.heard.values()].some(({ announcement }) => announcement.replica === replica);
  }

  /** The keys under which replicas of this service stand that have gone. */
  gone(): readonly string[] {
    return [...this.heard].flatMap(([key, heard]) =>
      heard.announcement.service === this.self.service && this.isLate(heard) ? [key] : [],
    );
  }

  owner(place: string): Owner | undefined {
    return this.owners.of(place);
  }

  /** The services that have a method for a step, sorted. */
  servicesWith(place: string): readonly string[] {
    const found = this.present().filter(({ steps }) => steps.some((step) => placeKey(step) === place));
    return [...new Set(found.map(({ service }) => service))].toSorted();
  }

  private isOwn(place: string): boolean {
    const owner = this.owner(place);
    return !owner || (owner.service === this.self.service && owner.from === undefined);
  }

  /** Whether another service runs a step that this one has a method for. */
  isElsewhere(bound: BoundStep): boolean {
    const owner = bound.hears ? undefined : this.owner(placeOf(bound));
    return owner !== undefined && owner.service !== this.self.service;
  }

  /** What to do with a record for a step, while this service has no row for it. */
  unlessBegun(bound: BoundStep, record: IncomingRecord): UnlessBegun | 'undecided' {
    if (bound.hears) return undefined;
    const place = placeOf(bound);
    const owner = this.owner(place);
    const passed = passedOn(record, bound);
    if (passed?.from === this.self.service) return 'ignored';
    if (!owner) return undefined;
    if (owner.service === this.self.service) {
      const isEarly = owner.from !== undefined && !owner.dead && isBefore(record, owner, overlap);
      return isEarly && !passed ? 'ignored' : undefined;
    }
    if (passed) return passed.from === owner.service ? 'undecided' : 'ignored';
    if (!this.self.handsOver.includes(place)) return 'ignored';
    return isBefore(record, owner, cutAfter) ? undefined : 'passed';
  }

  /** Whether a replica of this service takes part in a version of a saga that this one does not know. */
  othersTakePart(audience: Audience, saga: string, version: string): boolean {
    return this.missing.size > 0 && this.missing.has(`${audience}/${saga}@${version}`);
  }

  /** The steps or listeners that an event is for, that other replicas of this service have and this one does not. */
  wantedByOthers(audience: Audience, saga: SagaGraph, event: Pick<Envelope, 'step' | 'outcome'>): readonly string[] {
    if (this.missing.size === 0) return [];
    const places = this.missing.get(`${audience}/${saga.name}@${saga.version}`) ?? nobody;
    if (places.length === 0) return [];
    const template = (step: string): string => saga.steps[step]?.branchOf?.step ?? step;
    const isFor =
      audience === 'listeners'
        ? ({ hears }: Missing): boolean => hears === `${template(event.step)}/${event.outcome}`
        : this.reactingTo(saga, event, template);
    return places.filter(isFor).map(({ step }) => step);
  }

  /** What happens with the pivot may concern every step. */
  private reactingTo(saga: SagaGraph, event: Pick<Envelope, 'step' | 'outcome'>, template: (step: string) => string) {
    const reacting = new Set(reactionsTo(saga, event).map(({ step }) => template(step)));
    const isCommit = event.step === saga.commitPoint && event.outcome === 'done';
    return ({ step }: Missing): boolean => isCommit || reacting.has(step);
  }

  private missingHere() {
    const found = new Map<string, Map<string, Missing>>();
    const note = (audience: Audience, place: Missing): void => {
      const { saga, version, step } = place;
      if (this.steps.find({ name: saga, version }, step)) return;
      const key = `${audience}/${saga}@${version}`;
      found.set(key, (found.get(key) ?? new Map<string, Missing>()).set(step, place));
    };
    for (const { service, replica, steps, listeners } of this.lately()) {
      if (service !== this.self.service || replica === this.self.replica) continue;
      for (const step of steps) note('steps', step);
      for (const listener of listeners) note('listeners', listener);
    }
    return new Map([...found].map(([key, places]) => [key, [...places.values()]]));
  }

  /** Those that left in order too: they may be on their way back, and what comes for them meanwhile has to be there then. */
  private lately(): readonly Announcement[] {
    return [...this.heard.values()].flatMap((heard) => (this.isLate(heard) ? [] : [heard.announcement]));
  }

  /** By the board's clock: nobody's own is trusted but for what has passed since. */
  private isLate({ at, came }: Heard): boolean {
    const now = this.clock.now().getTime();
    if (at === undefined || !this.boardTime) return now - came > goneAfter;
    return this.boardTime.at + (now - this.boardTime.came) - at > goneAfter;
  }
}

export function placeOf({ saga, node }: BoundStep): string {
  return placeKey({ saga: saga.name, version: saga.version, step: node.branchOf?.step ?? node.name });
}

/** What a service announces of its steps. The commit step of a nested saga goes with its source. */
export function announcedPlaces(steps: BoundSteps): Pick<Announcement, 'steps' | 'listeners'> {
  const placed = ({ saga, node }: BoundStep): BoundPlace => ({
    saga: saga.name,
    version: saga.version,
    step: node.name,
  });
  const all = steps.all();
  return {
    steps: all.filter(({ hears, node }) => !hears && node.name !== commitStep).map(placed),
    listeners: all.flatMap((bound) =>
      bound.hears ? [{ ...placed(bound), hears: `${bound.hears.step}/${bound.hears.outcome}` }] : [],
    ),
  };
}

function isBefore({ at }: IncomingRecord, owner: Owner, after: number): boolean {
  return at !== undefined && owner.at !== undefined && at < owner.at + after;
}

function passedOn({ headers }: IncomingRecord, { node }: BoundStep): { readonly from: string } | undefined {
  const text = headers[handoverHeader];
  if (text === undefined) return undefined;
  try {
    const { from, steps } = JSON.parse(text) as { readonly from?: unknown; readonly steps?: unknown };
    const name = node.branchOf?.step ?? node.name;
    return typeof from === 'string' && Array.isArray(steps) && steps.includes(name) ? { from } : undefined;
  } catch {
    return undefined;
  }
}
