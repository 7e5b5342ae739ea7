import { randomUUID } from 'node:crypto';
import type { WireMessage } from '../../protocol/wire.js';
import { MemoryBoard } from './memory-board.js';
import { MemoryGroup } from './memory-transport-group.js';
import { TopicLog } from './memory-transport-log.js';

interface Topic {
  readonly log: TopicLog;
  readonly readers: MemoryGroup[];
}

/** What the transports of one process share. Topics and groups come to be by their first use and stay until the process ends. */
export class MemoryBus {
  readonly board = new MemoryBoard();
  private readonly topics = new Map<string, Topic>();
  /** A store may outlive the bus, on which positions begin anew. */
  private readonly id = randomUUID();
  private readonly groups = new Map<string, MemoryGroup>();

  constructor(readonly retention: number) {}

  append(message: WireMessage): void {
    const { log, readers } = this.topic(message.topic);
    log.append(message, () => Math.min(log.end, ...readers.map((group) => group.needs(log))));
    for (const group of readers) group.wake();
  }

  group(name: string): MemoryGroup {
    const known = this.groups.get(name);
    if (known) return known;
    const group = new MemoryGroup();
    this.groups.set(name, group);
    return group;
  }

  /** @returns the topic's log, and how many of its records the group can no longer get */
  subscribe(group: MemoryGroup, name: string): { readonly log: TopicLog; readonly missed: number } {
    const { log, readers } = this.topic(name);
    if (!readers.includes(group)) readers.push(group);
    return { log, missed: group.read(log) };
  }

  private topic(name: string): Topic {
    const known = this.topics.get(name);
    if (known) return known;
    const topic = { log: new TopicLog(this.retention, this.id), readers: [] };
    this.topics.set(name, topic);
    return topic;
  }
}
