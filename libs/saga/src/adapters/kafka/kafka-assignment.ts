/** A member of a consumer group, as it told the group's leader. */
export interface GroupMember {
  readonly id: string;
  readonly topics: readonly string[];
  /** What it had before this assignment, by topic. */
  readonly held: Held;
  /** It is no replica of this service. */
  readonly foreign?: boolean;
}

export type Held = Readonly<Record<string, readonly number[]>>;

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly takers: readonly Share[];
}

/** What a member is given. */
class Share {
  private readonly places = new Set<Place>();

  constructor(readonly member: GroupMember) {}

  get size(): number {
    return this.places.size;
  }

  give(place: Place): void {
    this.places.add(place);
  }

  take(place: Place): void {
    this.places.delete(place);
  }

  of(topic: string): number {
    let count = 0;
    for (const place of this.places) if (place.topic === topic) count += 1;
    return count;
  }

  get held(): Held {
    const held: Record<string, number[]> = {};
    for (const { topic, partition } of this.places) (held[topic] ??= []).push(partition);
    for (const partitions of Object.values(held)) partitions.sort((one, other) => one - other);
    return held;
  }
}

/**
 * Gives each partition to one member that subscribes to its topic; one that is no replica of this service is given only what no replica subscribes to.
 * No member has two partitions more than another who could have taken one of them, and members keep what they had as far as that allows.
 *
 * @param partitions by topic; a topic that nobody subscribes to is nobody's
 */
export function shareOut(
  members: readonly GroupMember[],
  partitions: ReadonlyMap<string, readonly number[]>,
): ReadonlyMap<string, Held> {
  const shares = members.toSorted((one, other) => (one.id < other.id ? -1 : 1)).map((member) => new Share(member));
  const places = placesOf(shares, partitions);
  const owners = new Map<Place, Share>();
  const give = (place: Place, share: Share | undefined): void => {
    if (!share) return;
    owners.set(place, share);
    share.give(place);
  };
  for (const place of places) give(place, formerOwner(place));
  for (const place of places) if (!owners.has(place)) give(place, leastLoaded(place));
  level(owners);
  return new Map(shares.map((share) => [share.member.id, share.held]));
}

/** What fewest may take comes first, so that those who may take more are left for the rest. */
function placesOf(shares: readonly Share[], partitions: ReadonlyMap<string, readonly number[]>): readonly Place[] {
  const places = [...partitions].flatMap(([topic, numbers]) => {
    const subscribers = shares.filter(({ member }) => member.topics.includes(topic));
    const own = subscribers.filter(({ member }) => !member.foreign);
    const takers = own.length > 0 ? own : subscribers;
    return takers.length === 0 ? [] : numbers.map((partition) => ({ topic, partition, takers }));
  });
  return places.toSorted(
    (one, other) =>
      one.takers.length - other.takers.length || compare(one.topic, other.topic) || one.partition - other.partition,
  );
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function formerOwner({ topic, partition, takers }: Place): Share | undefined {
  return takers.find(({ member }) => member.held[topic]?.includes(partition));
}

function leastLoaded({ topic, takers }: Place): Share {
  return takers.reduce((least, one) => {
    const difference = one.size - least.size || one.of(topic) - least.of(topic);
    return difference < 0 ? one : least;
  });
}

/**
 * Moves partitions until no move makes two members more equal, of the topic first of which one has most more than the other. Each move brings the sum of squares
 * down, so it ends.
 */
function level(owners: Map<Place, Share>): void {
  for (let move = bestMove(owners); move; move = bestMove(owners)) {
    owners.get(move.place)!.take(move.place);
    owners.set(move.place, move.to);
    move.to.give(move.place);
  }
}

function bestMove(owners: ReadonlyMap<Place, Share>): { readonly place: Place; readonly to: Share } | undefined {
  let best: { readonly place: Place; readonly to: Share; readonly gain: number; readonly ofTopic: number } | undefined;
  for (const [place, owner] of owners) {
    const to = leastLoaded(place);
    const gain = owner.size - to.size;
    if (gain < 2 || gain < (best?.gain ?? 0)) continue;
    const ofTopic = owner.of(place.topic) - to.of(place.topic);
    if (gain > (best?.gain ?? 0) || ofTopic > (best?.ofTopic ?? 0)) best = { place, to, gain, ofTopic };
  }
  return best;
}
