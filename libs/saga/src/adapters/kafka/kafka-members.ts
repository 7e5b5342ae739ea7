import type { MemberDescription } from 'kafkajs';
import type { TransportFinding } from '../../ports/transport.js';
import { givenTo, toldBy, type Told } from './kafka-assigner.js';

type Found = Omit<TransportFinding, 'since'>;

/** What one member of a group sees of it. */
export interface GroupSight {
  readonly group: string;
  readonly clientId: string;
  /** The topics that it subscribes to, with how many partitions each has. */
  readonly partitions: ReadonlyMap<string, number>;
}

interface Member extends Told {
  readonly name: string;
  readonly kind: 'replica' | 'earlier' | 'stranger';
  readonly given: Readonly<Record<string, readonly number[]>>;
}

/**
 * What is wrong with who is in a group. Whoever does not say that it is a replica of this library is one of an earlier release when it has this service's client id and
 * subscribes to one of its topics; else it is another program.
 */
export function groupFindings(sight: GroupSight, described: readonly MemberDescription[]): readonly Found[] {
  const members = described.map((member) => memberOf(sight, member));
  return [...strangersIn(sight, members), ...unconsumed(sight, members)];
}

function memberOf({ clientId, partitions }: GroupSight, member: MemberDescription): Member {
  const told = toldBy(member.memberMetadata);
  const hasPart = told.topics.some((topic) => partitions.has(topic));
  const isEarlier = member.clientId === clientId && hasPart;
  return {
    ...told,
    name: `"${member.clientId}" at ${member.clientHost.replace(/^\//, '')}`,
    kind: told.isReplica ? 'replica' : isEarlier ? 'earlier' : 'stranger',
    given: givenTo(member.memberAssignment),
  };
}

function strangersIn({ group, partitions }: GroupSight, members: readonly Member[]): readonly Found[] {
  const strangers = members.filter(({ kind }) => kind === 'stranger');
  if (strangers.length === 0) return [];
  const named = strangers.map(({ name, topics }) => `${name}, which subscribes to ${listed(topics)}`).join('; ');
  const taken = strangers.flatMap(({ given }) => placesIn(given, partitions));
  const effect =
    taken.length > 0
      ? `It is given ${listed(taken)}: the sagas whose events are there stand still`
      : 'As soon as it leads the group, it may keep topics of this service from it';
  return [
    {
      code: 'GROUP_SHARED',
      severity: 'error',
      group,
      detail: `Another program is in the consumer group "${group}" of this service: ${named}. ${effect}. Give that program a group id of its own; then reset what it committed with kafka-consumer-groups.sh --reset-offsets: handling events again is harmless.`,
    },
  ];
}

/** Partitions that are given to nobody, or to members that do not subscribe to their topic and so leave them. */
function unconsumed({ group, partitions }: GroupSight, members: readonly Member[]): readonly Found[] {
  const given = new Set(
    members
      .filter(({ kind }) => kind !== 'stranger')
      .flatMap((member) => placesIn(member.given, partitions, (topic) => member.topics.includes(topic))),
  );
  const byStrangers = new Set(
    members.filter(({ kind }) => kind === 'stranger').flatMap((member) => placesIn(member.given, partitions)),
  );
  const left = [...partitions].flatMap(([topic, count]) =>
    Array.from({ length: count }, (_, partition) => `${topic}[${partition}]`).filter(
      (place) => !given.has(place) && !byStrangers.has(place),
    ),
  );
  if (left.length === 0) return [];
  const earlier = members.filter(({ kind }) => kind === 'earlier').map(({ name }) => name);
  const cause =
    earlier.length > 0
      ? `A replica of an earlier release, which knows only its own topics, leads the group (there are ${earlier.join(', ')}). They are consumed as soon as the last of these has left`
      : 'A member that knows only its own topics leads the group';
  return [
    {
      code: 'PARTITIONS_UNCONSUMED',
      severity: 'error',
      group,
      detail: `In the consumer group "${group}" nobody consumes ${listed(left)}. ${cause}; nothing is lost meanwhile.`,
    },
  ];
}

function placesIn(
  given: Member['given'],
  partitions: ReadonlyMap<string, number>,
  wanted: (topic: string) => boolean = () => true,
): readonly string[] {
  return Object.entries(given).flatMap(([topic, numbers]) =>
    partitions.has(topic) && wanted(topic) ? numbers.map((partition) => `${topic}[${partition}]`) : [],
  );
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return 'nothing';
  return names.slice(0, 6).join(', ') + (names.length > 6 ? ` and ${names.length - 6} more` : '');
}
