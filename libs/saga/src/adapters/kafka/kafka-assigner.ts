import kafkajs, {
  type Assigner,
  type Cluster,
  type GroupMember as JoiningMember,
  type PartitionAssigner,
} from 'kafkajs';
import { shareOut, type GroupMember, type Held } from './kafka-assignment.js';

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;

/** What replicas of this library agree on as soon as all of the group do. */
export const ownProtocol = 'SubscribedTopicsAssigner';
/** What kafkajs offers by itself, and replicas of releases before this one know alone. */
export const kafkajsProtocol = 'RoundRobinAssigner';

const version = 0;
const marker = 'nest-saga';

/** What a member of a group tells its leader, and what tells it from strangers. */
export interface JoiningReplica {
  readonly clientId: string;
  readonly held: () => Held;
}

/** What a member of this library says of itself beside its topics. */
interface Said {
  readonly by: typeof marker;
  readonly held: Held;
  /** How many partitions each of its topics has, as it knows. */
  readonly partitions: Readonly<Record<string, number>>;
}

/** A member as its metadata says; `isReplica` when it is one of this release or later. */
export interface Told {
  readonly topics: readonly string[];
  readonly isReplica: boolean;
  readonly said?: Said;
}

/**
 * Who leads a group of kafkajs's gives its own topics to all members: what it does not subscribe to is given to nobody, and what others do not to them. These go by what
 * each member subscribes to. The second has the name of kafkajs's own, because members of one group must have a name in common, and a replica of an earlier release offers
 * only that; who leads under it shares out in this way all the same.
 */
export function partitionAssigners(replica: JoiningReplica): PartitionAssigner[] {
  return [ownProtocol, kafkajsProtocol].map(
    (name): PartitionAssigner =>
      ({ cluster }) =>
        assigner(name, cluster, replica),
  );
}

function assigner(name: string, cluster: Cluster, replica: JoiningReplica): Assigner {
  return {
    name,
    version,
    protocol: ({ topics }) => ({
      name,
      metadata: MemberMetadata.encode({ version, topics, userData: sayingOf(cluster, replica, topics) }),
    }),
    assign: async ({ members }) => {
      const joining = members.map((member) => memberOf(member, replica.clientId));
      const shares = shareOut(joining, await partitionsOf(cluster, members));
      return [...shares].map(([memberId, assignment]) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version,
          assignment: writable(assignment),
          userData: Buffer.alloc(0),
        }),
      }));
    },
  };
}

function sayingOf(cluster: Cluster, { held }: JoiningReplica, topics: readonly string[]): Buffer {
  const partitions = Object.fromEntries(topics.map((topic) => [topic, known(cluster, topic).length]));
  const said: Said = { by: marker, held: held(), partitions };
  return Buffer.from(JSON.stringify(said));
}

function memberOf({ memberId, memberMetadata }: JoiningMember, clientId: string): GroupMember {
  const { topics, isReplica, said } = toldBy(memberMetadata);
  const isOfThisService = isReplica || memberId.startsWith(`${clientId}-`);
  return { id: memberId, topics, held: said?.held ?? {}, foreign: !isOfThisService };
}

/** What a member told when it joined; of one that cannot be read, that it wants nothing. */
export function toldBy(metadata: Buffer): Told {
  try {
    const decoded = MemberMetadata.decode(metadata);
    const said = saidBy(decoded?.userData);
    return { topics: decoded?.topics ?? [], isReplica: said !== undefined, ...(said && { said }) };
  } catch {
    return { topics: [], isReplica: false };
  }
}

function saidBy(userData: Buffer | undefined): Said | undefined {
  if (!userData || userData.length === 0) return undefined;
  try {
    const said: unknown = JSON.parse(userData.toString());
    const isOurs = typeof said === 'object' && said !== null && 'by' in said && said.by === marker;
    return isOurs ? (said as Said) : undefined;
  } catch {
    return undefined;
  }
}

/** The partitions that a member was given, by topic. */
export function givenTo(memberAssignment: Buffer): Held {
  try {
    return MemberAssignment.decode(memberAssignment)?.assignment ?? {};
  } catch {
    return {};
  }
}

/** Of every topic that a member subscribes to. What the leader does not subscribe to itself is told by those who do, or asked. */
async function partitionsOf(
  cluster: Cluster,
  members: readonly JoiningMember[],
): Promise<ReadonlyMap<string, readonly number[]>> {
  const told = members.map(({ memberMetadata }) => toldBy(memberMetadata));
  const partitions = new Map<string, readonly number[]>();
  for (const topic of new Set(told.flatMap(({ topics }) => topics))) {
    const most = Math.max(0, ...told.map(({ said }) => said?.partitions[topic] ?? 0));
    const numbers = new Set([...known(cluster, topic), ...Array.from({ length: most }, (_, number) => number)]);
    partitions.set(topic, numbers.size > 0 ? [...numbers] : await asked(cluster, topic));
  }
  return partitions;
}

function known(cluster: Cluster, topic: string): readonly number[] {
  return cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
}

/** Of a broker itself: a topic that `cluster` is told to know, and that is then deleted, would end the leader's own consumer. */
async function asked(cluster: Cluster, topic: string): Promise<readonly number[]> {
  const [nodeId] = cluster.getNodeIds();
  try {
    const broker = await cluster.findBroker({ nodeId: String(nodeId) });
    const { topicMetadata } = await broker.metadata([topic]);
    return topicMetadata.flatMap(({ partitionMetadata }) => partitionMetadata.map(({ partitionId }) => partitionId));
  } catch {
    return []; // it does not exist, or the leader may not see it: who subscribes to it finds and tells that it is given to nobody
  }
}

function writable(held: Held): Record<string, number[]> {
  return Object.fromEntries(Object.entries(held).map(([topic, partitions]) => [topic, [...partitions]]));
}
