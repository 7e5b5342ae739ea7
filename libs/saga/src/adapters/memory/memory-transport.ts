import type { Board } from '../../ports/board.js';
import { TransportClosed } from '../../ports/transport.js';
import type {
  RecordLifetimes,
  Subscription,
  Transport,
  TransportContext,
  TransportFactory,
  TransportHealth,
} from '../../ports/transport.js';
import type { WireMessage } from '../../protocol/wire.js';
import { MemoryBus } from './memory-transport-bus.js';
import type { MemoryGroup } from './memory-transport-group.js';
import { MemoryMember } from './memory-transport-member.js';

export interface MemoryTransportOptions {
  /** How many of its newest records each topic keeps for groups that come later; 10,000 unless told. */
  readonly retention?: number;
}

/**
 * A transport within this process: all modules that are given the same factory share one bus. What is on it ends with the process, so the
 * records of a crashed process are lost here: for tests, demos and a single service.
 */
export function inMemory({ retention = 10_000 }: MemoryTransportOptions = {}): TransportFactory {
  const bus = new MemoryBus(retention);
  return (context) => new MemoryTransport(bus, context);
}

class MemoryTransport implements Transport {
  private readonly members: MemoryMember[] = [];
  private readonly subscribed: {
    readonly subscription: Subscription;
    readonly group: MemoryGroup;
    readonly since: Date;
  }[] = [];
  private readonly opened = new Date();
  private state: 'open' | 'drained' | 'closed' = 'open';
  private drained: Promise<unknown> | undefined;

  constructor(
    private readonly bus: MemoryBus,
    private readonly context: TransportContext,
  ) {}

  get board(): Board {
    return this.bus.board;
  }

  async publish(messages: readonly WireMessage[]): Promise<void> {
    if (this.state === 'closed')
      throw new TransportClosed(`Service "${this.context.service}" publishes on a closed transport.`);
    for (const message of messages) this.bus.append(message);
  }

  async subscribe(subscription: Subscription): Promise<void> {
    if (this.state !== 'open') {
      throw new TransportClosed(
        `Service "${this.context.service}" subscribes group "${subscription.group}" to a ${this.state} transport.`,
      );
    }
    const group = this.bus.group(subscription.group);
    const logs = subscription.topics.map((topic) => {
      const { log, missed } = this.bus.subscribe(group, topic);
      this.tellMissed(subscription.group, topic, missed);
      return log;
    });
    const member = new MemoryMember(group, subscription, new Set(logs), this.context.logger);
    this.members.push(member);
    this.subscribed.push({ subscription, group, since: new Date() });
    group.join(member);
  }

  async drain(): Promise<void> {
    if (this.state === 'open') this.state = 'drained';
    this.drained ??= Promise.all(this.members.map((member) => member.leave()));
    await this.drained;
  }

  async close(): Promise<void> {
    this.state = 'closed';
    await this.drain();
  }

  /** A record ends with the process, and no group is given one twice. */
  readonly lifetimes: RecordLifetimes = { of: async (topics) => new Map(topics.map((topic) => [topic, 0])) };

  health(): TransportHealth {
    const status = this.state === 'closed' ? 'down' : 'up';
    const detail = `in memory, ${this.state}`;
    return {
      up: status === 'up',
      detail,
      publishing: { status, since: this.opened, detail },
      groups: this.subscribed.map(({ subscription, group, since }) => ({
        group: subscription.group,
        status,
        since,
        detail,
        assignment: Object.fromEntries(subscription.topics.map((topic) => [topic, [0]])),
        lag: group.lag,
      })),
      findings: [],
    };
  }

  private tellMissed(group: string, topic: string, missed: number): void {
    if (missed === 0) return;
    this.context.logger.warn(
      `Group "${group}" misses the oldest ${missed} records of topic "${topic}": a topic in memory keeps ${this.bus.retention}. Start its service earlier, or raise inMemory({ retention }).`,
    );
  }
}
