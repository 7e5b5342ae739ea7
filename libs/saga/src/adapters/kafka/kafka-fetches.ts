import type { Broker, Cluster } from 'kafkajs';
import { sleep } from '../../ports/own-context.js';
import { backoff } from './kafka-backoff.js';
import { isOfAPartition, outOfRange, reasonOf } from './kafka-errors.js';
import type { KafkaFindings } from './kafka-findings.js';

const firstPause = 1_000;
const longestPause = 60_000;

type Request = Parameters<Broker['fetch']>[0];
type Send = (request: Request) => Promise<Response>;

interface Response {
  readonly responses: readonly {
    readonly topicName: string;
    readonly partitions: readonly { readonly partition: number; readonly highWatermark: string }[];
  }[];
}

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly fetchOffset: string;
}

/** How far a partition is read, and how far it goes. */
export interface Position {
  readonly fetchOffset: bigint;
  readonly end: bigint;
}

interface Unreadable {
  readonly failures: number;
  readonly until: number;
}

/**
 * Stands between a consumer of kafkajs and its brokers where records are fetched. kafkajs decodes an answer as a whole: one batch that it cannot read fails the fetch of all
 * partitions, for ever. Here the partition is found by fetching each alone; it is left out, tried again after growing pauses, and named meanwhile. Nothing is skipped.
 */
export class KafkaFetches {
  private readonly unreadable = new Map<string, Unreadable>();
  private readonly gaps = new Map<string, bigint>();
  private readonly watched = new WeakSet<Broker>();
  readonly positions = new Map<string, Position>();

  constructor(
    private readonly group: string,
    private readonly findings: KafkaFindings,
  ) {}

  /** @param cluster a consumer's own: each has one */
  watch(cluster: Cluster): void {
    const find = cluster.findBroker.bind(cluster);
    cluster.findBroker = async (node) => {
      const broker = await find(node);
      if (!this.watched.has(broker)) {
        this.watched.add(broker);
        const send = broker.fetch.bind(broker) as Send;
        broker.fetch = (request) => this.fetch(send, request);
      }
      return broker;
    };
  }

  /** Forgets what is somebody else's now. @param assigned names of places, as `topic/0` */
  keep(assigned: ReadonlySet<string>): void {
    for (const places of [this.positions, this.unreadable, this.gaps])
      for (const name of places.keys()) if (!assigned.has(name)) places.delete(name);
    for (const name of this.told) if (!assigned.has(name)) this.readable(name);
  }

  private readonly told = new Set<string>();

  private async fetch(send: Send, request: Request): Promise<Response> {
    const { readable, due } = this.sorted(request);
    const answers: Response[] = [];
    for (const place of due) answers.push(...(await this.fetchAlone(send, request, place)));
    if (readable.length > 0) answers.push(...(await this.fetchTogether(send, request, readable)));
    else if (due.length === 0) await sleep(request.maxWaitTime ?? 0);
    return { ...answers[0], responses: answers.flatMap(({ responses }) => responses) };
  }

  private async fetchTogether(send: Send, request: Request, places: readonly Place[]): Promise<readonly Response[]> {
    const isWhole = places.length === placesOf(request).length;
    try {
      return [this.noted(request, await send(isWhole ? request : narrowed(request, places)))];
    } catch (error) {
      this.noteGap(request, error);
      if (!isOfAPartition(error)) throw error;
      const answers: Response[] = [];
      for (const place of places) answers.push(...(await this.fetchAlone(send, request, place)));
      return answers;
    }
  }

  private async fetchAlone(send: Send, request: Request, place: Place): Promise<readonly Response[]> {
    try {
      const answer = await send({ ...narrowed(request, [place]), maxWaitTime: 1 });
      this.readable(nameOf(place));
      return [this.noted(request, answer)];
    } catch (error) {
      this.noteGap(request, error);
      if (!isOfAPartition(error)) throw error;
      this.leaveOut(place, error);
      return [];
    }
  }

  private sorted(request: Request): { readonly readable: readonly Place[]; readonly due: readonly Place[] } {
    const places = placesOf(request);
    const now = Date.now();
    return {
      readable: places.filter((place) => !this.unreadable.has(nameOf(place))),
      due: places.filter((place) => (this.unreadable.get(nameOf(place))?.until ?? Infinity) <= now),
    };
  }

  private leaveOut(place: Place, error: unknown): void {
    const name = nameOf(place);
    const { failures } = this.unreadable.get(name) ?? { failures: 0 };
    this.unreadable.set(name, {
      failures: failures + 1,
      until: Date.now() + backoff(failures, firstPause, longestPause),
    });
    this.told.add(name);
    const { topic, partition } = place;
    this.findings.replace(this.placeOf(name), [
      {
        code: 'RECORDS_UNREADABLE',
        severity: 'error',
        group: this.group,
        topic,
        partition,
        detail: `Group "${this.group}" cannot read ${topic}[${partition}] from offset ${place.fetchOffset} on, so nothing of that partition is consumed; other partitions are. It is tried again and again, nothing is skipped: ${reasonOf(error)}`,
      },
    ]);
  }

  private readable(name: string): void {
    this.unreadable.delete(name);
    if (this.told.delete(name)) this.findings.replace(this.placeOf(name), []);
  }

  private placeOf(name: string): string {
    return `fetch ${this.group} ${name}`;
  }

  private noted(request: Request, response: Response): Response {
    const offsets = new Map(placesOf(request).map((place) => [nameOf(place), BigInt(place.fetchOffset)]));
    for (const { topicName: topic, partitions } of response.responses)
      for (const { partition, highWatermark } of partitions) {
        const name = nameOf({ topic, partition });
        const fetchOffset = offsets.get(name);
        if (fetchOffset === undefined) continue;
        this.positions.set(name, { fetchOffset, end: BigInt(highWatermark) });
        this.tellGap(topic, partition, fetchOffset);
      }
    return response;
  }

  /** kafkajs goes on from the oldest record that is there. */
  private noteGap(request: Request, error: unknown): void {
    const place = outOfRange(error);
    const asked = place && placesOf(request).find((one) => nameOf(one) === nameOf(place));
    if (asked) this.gaps.set(nameOf(asked), BigInt(asked.fetchOffset));
  }

  private tellGap(topic: string, partition: number, now: bigint): void {
    const name = nameOf({ topic, partition });
    const before = this.gaps.get(name);
    if (before === undefined) return;
    this.gaps.delete(name);
    const place = { group: this.group, topic, partition };
    if (now > before)
      this.findings.happened({
        ...place,
        code: 'RECORDS_LOST',
        severity: 'error',
        detail: `Group "${this.group}" was at offset ${before} of ${topic}[${partition}], and the oldest record that Kafka still has is ${now}: up to ${now - before} records were deleted before they were consumed, and their sagas wait for them. Raise retention.ms, and redrive or abort those sagas.`,
      });
    else
      this.findings.happened({
        ...place,
        code: 'OFFSETS_BEGAN_ANEW',
        severity: 'warning',
        detail: `Group "${this.group}" was at offset ${before} of ${topic}[${partition}], which is not there: the topic was deleted and made anew, or cut. It is consumed again from offset ${now}.`,
      });
  }
}

/** The same request for some of its partitions. */
function narrowed(request: Request, places: readonly Place[]): Request {
  const wanted = new Set(places.map(nameOf));
  const topics = request.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.filter(({ partition }) => wanted.has(nameOf({ topic, partition }))),
  }));
  return { ...request, topics: topics.filter(({ partitions }) => partitions.length > 0) };
}

function placesOf({ topics }: Request): readonly Place[] {
  return topics.flatMap(({ topic, partitions }) =>
    partitions.map(({ partition, fetchOffset }) => ({ topic, partition, fetchOffset })),
  );
}

function nameOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}/${partition}`;
}
