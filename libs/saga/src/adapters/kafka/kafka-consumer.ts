import type { Cluster, ConsumerGroupJoinEvent } from 'kafkajs';
import { inOwnContext, sleep } from '../../ports/own-context.js';
import {
  TransportClosed,
  type GroupStanding,
  type Subscription,
  type TransportContext,
} from '../../ports/transport.js';
import { ownProtocol } from './kafka-assigner.js';
import { backoff } from './kafka-backoff.js';
import type { KafkaClients } from './kafka-clients.js';
import { isStartingUp, reasonOf } from './kafka-errors.js';
import { KafkaFetches } from './kafka-fetches.js';
import type { KafkaFindings } from './kafka-findings.js';
import { groupFindings } from './kafka-members.js';
import { KafkaSession } from './kafka-session.js';
import { TopicUnfit, type KafkaTopicLook } from './kafka-topic-look.js';
import { TopicsMissing, type KafkaTopics } from './kafka-topics.js';

const firstPause = 250;
const longestPause = 5_000;
/** Of a session that joins and ends, again and again. */
const longestPauseAfterJoin = 60_000;
/** A session that lasts so long is no trouble any more, ms. */
const settledAfter = 10_000;
/** kafkajs is given up, and begun anew, when it says nothing for so long though it says that it consumes, ms. */
const givenUpAfter = 120_000;
const membersKnownAfter = 1_000;
/** A broker that has just started says so a few times; nobody needs to know. */
const quietFailures = 5;

type State =
  | { readonly status: 'joining' | 'drained'; readonly since: Date }
  | { readonly status: 'consuming'; readonly since: Date; readonly session: KafkaSession }
  | { readonly status: 'broken'; readonly since: Date; readonly reason: string };

/** What consumers of one transport share. */
export interface ConsumerGround {
  readonly clients: KafkaClients;
  readonly topics: KafkaTopics;
  readonly look: KafkaTopicLook;
  readonly findings: KafkaFindings;
  readonly logger: TransportContext['logger'];
  /** Why groups do not consume, by group, as the log was told: an outage is told once for all of them. */
  readonly down: Map<string, string>;
  readonly sessionTimeoutMs: number;
}

/** Keeps a group's subscription alive: whatever ends a session of kafkajs, another one is begun, until it is drained. */
export class KafkaConsumer {
  private state: State = { status: 'joining', since: new Date() };
  private readonly draining = new AbortController();
  private readonly aborting = new Promise<void>((resolve) => {
    this.draining.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  private readonly leaving = new Set<Promise<void>>();
  private readonly fetches: KafkaFetches;
  private cluster: Cluster | undefined;
  private assignment: GroupStanding['assignment'] = {};
  private life: Promise<void> | undefined;

  constructor(
    private readonly ground: ConsumerGround,
    private readonly subscription: Subscription,
  ) {
    this.fetches = new KafkaFetches(subscription.group, ground.findings);
  }

  /**
   * Resolves when the group is joined for the first time, however long Kafka is away.
   *
   * @throws TopicsMissing when topics do not exist and may not be made
   * @throws TopicUnfit when one of them would lose events
   */
  start(): Promise<void> {
    return new Promise((joined, failed) => {
      this.life = inOwnContext(() => this.live(joined)).then(failed, failed);
    });
  }

  /** Waits for the batches in hand, commits and leaves the group. */
  async drain(): Promise<void> {
    this.draining.abort();
    await this.life;
    await Promise.all(this.leaving);
    this.state = { status: 'drained', since: new Date() };
  }

  health(): GroupStanding {
    const { group } = this.subscription;
    const name = `group "${group}"`;
    const { status, since } = this.state;
    const base = { group, assignment: this.assignment, since };
    if (status === 'broken')
      return { ...base, status: 'down', detail: `${name} does not consume: ${this.state.reason}` };
    if (status !== 'consuming')
      return { ...base, status: status === 'drained' ? 'up' : 'unknown', detail: `${name} is ${status}` };
    const { session } = this.state;
    const lag = session.lag(this.fetches.positions);
    const standing = { ...base, ...(lag !== undefined && { lag }) };
    const silence = Date.now() - session.heard;
    if (silence > this.ground.sessionTimeoutMs)
      return {
        ...standing,
        status: 'down',
        since: new Date(session.heard),
        detail: `${name} has not heard of Kafka for ${Math.round(silence / 1000)} s`,
      };
    const wrong = this.ground.findings.list().find((one) => one.severity === 'error' && one.group === group);
    if (wrong) return { ...standing, status: 'down', since: wrong.since, detail: wrong.detail };
    return { ...standing, status: 'up', detail: `${name} is consuming` };
  }

  /** Resolves with why it ends. */
  private async live(joined: () => void): Promise<Error> {
    let everJoined = false;
    for (let failures = 0; !this.aborted; failures += 1) {
      let joinedNow = false;
      const session = this.session();
      const reason = await this.consume(
        session,
        () => {
          everJoined = joinedNow = true;
          joined();
        },
        () => (failures = 0),
      );
      if (!this.aborted) this.break(reason);
      await this.leave(session);
      if ((reason instanceof TopicsMissing || reason instanceof TopicUnfit) && !everJoined) return reason;
      const most = joinedNow ? longestPauseAfterJoin : longestPause;
      if (!this.aborted) await this.rest(reason, failures, backoff(failures, firstPause, most));
    }
    return new TransportClosed(`Group "${this.subscription.group}" was drained before it joined.`);
  }

  private session(): KafkaSession {
    const consumer = this.ground.clients.consumer(this.subscription.group, {
      held: () => this.assignment,
      watch: (cluster) => {
        this.cluster = cluster;
        this.fetches.watch(cluster);
      },
    });
    const session: KafkaSession = new KafkaSession(consumer, this.subscription, this.ground.logger, (payload) =>
      this.noteJoin(session, payload),
    );
    return session;
  }

  /** Resolves with what ended the session. */
  private async consume(session: KafkaSession, joined: () => void, settled: () => void): Promise<unknown> {
    const { topics, look } = this.ground;
    try {
      await topics.ensure(this.subscription.topics);
      await this.lookAtTopics(look);
      await session.join();
      this.state = { status: 'consuming', since: new Date(), session };
      joined();
      return await this.untilEnd(session, settled);
    } catch (error) {
      return error;
    } finally {
      topics.doubt(this.subscription.topics);
    }
  }

  /** A topic that turns out unfit later is told; to end all consuming for it would lose no less. */
  private async lookAtTopics(look: KafkaTopicLook): Promise<void> {
    const isFirst = this.state.status === 'joining';
    await look.begin(this.subscription.topics).catch((error: unknown) => {
      if (isFirst || !(error instanceof TopicUnfit)) throw error;
    });
  }

  private async untilEnd(session: KafkaSession, settled: () => void): Promise<unknown> {
    const ended = Promise.race([session.ended, this.aborting]).then((reason) => ({ reason }));
    for (;;) {
      const end = await Promise.race([ended, sleep(settledAfter, { keepsAlive: false }).then(() => undefined)]);
      if (end) return end.reason;
      settled();
      this.tellRecovery();
      if (Date.now() - session.heard > givenUpAfter)
        return new Error(`kafkajs has said nothing for ${givenUpAfter / 1000} s`);
    }
  }

  private tellRecovery(): void {
    const { down, logger } = this.ground;
    const { group } = this.subscription;
    if (down.delete(group) && down.size === 0)
      logger.log(`Group "${group}" consumes again, and so do all others here.`);
  }

  private noteJoin(session: KafkaSession, payload: ConsumerGroupJoinEvent['payload']): void {
    this.assignment = payload.memberAssignment;
    const places = Object.entries(this.assignment).flatMap(([topic, partitions]) =>
      partitions.map((partition) => `${topic}/${partition}`),
    );
    this.fetches.keep(new Set(places));
    if (payload.groupProtocol === ownProtocol) this.ground.findings.replace(this.place, []);
    else void this.lookAtMembers(session);
  }

  /** Costs a question per change of the group, and only while somebody in it does not know this library's way to share out. */
  private async lookAtMembers(session: KafkaSession): Promise<void> {
    const { group, topics } = this.subscription;
    await sleep(membersKnownAfter, { keepsAlive: false });
    if (this.aborted) return;
    try {
      const { state, members } = await session.describe();
      if (state !== 'Stable') return; // another join follows, and another look
      const count = (topic: string): number => this.cluster?.findTopicPartitionMetadata(topic).length ?? 0;
      const partitions = new Map(topics.map((topic) => [topic, count(topic)]));
      const { clientId } = this.ground.clients;
      this.ground.findings.replace(this.place, groupFindings({ group, clientId, partitions }, members));
    } catch (error) {
      this.ground.findings.replace(this.place, [
        {
          code: 'GROUP_UNSEEN',
          severity: 'note',
          group,
          detail: `Who else is in the consumer group "${group}" cannot be seen: ${reasonOf(error)}`,
        },
      ]);
    }
  }

  private get place(): string {
    return `group ${this.subscription.group}`;
  }

  private break(reason: unknown): void {
    const since = this.state.status === 'broken' ? this.state.since : new Date();
    this.state = { status: 'broken', since, reason: reasonOf(reason) };
    this.assignment = {};
  }

  /** A drain waits for the batches in hand as long as they take; a new session does not, lest a handler that hangs end all consuming. */
  private async leave(session: KafkaSession): Promise<void> {
    const left = session.leave().catch((error: unknown) => {
      this.ground.logger.warn(`Group "${this.subscription.group}" did not leave in order: ${String(error)}`);
    });
    this.leaving.add(left);
    void left.finally(() => this.leaving.delete(left));
    const patience = this.ground.sessionTimeoutMs;
    await Promise.race([left, ...(this.aborted ? [] : [sleep(patience, { keepsAlive: false })])]);
  }

  /** An outage is told once, until its reason changes or it is over. */
  private async rest(reason: unknown, failures: number, ms: number): Promise<void> {
    const told = reasonOf(reason);
    const isOrdinary = isStartingUp(reason) && failures < quietFailures;
    const { down, logger } = this.ground;
    const { group } = this.subscription;
    if (!isOrdinary) {
      const isNews = ![...down.values()].includes(told);
      down.set(group, told);
      if (isNews) logger.error(`Group "${group}" does not consume, it begins again in ${ms} ms: ${told}`);
    }
    await sleep(ms, { signal: this.draining.signal });
  }

  private get aborted(): boolean {
    return this.draining.signal.aborted;
  }
}
