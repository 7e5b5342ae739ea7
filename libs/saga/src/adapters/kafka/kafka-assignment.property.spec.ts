import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shareOut, type GroupMember, type Held } from './kafka-assignment.js';

const topics = ['orders', 'cards', 'mail'];
const anyHeld: fc.Arbitrary<Held> = fc.dictionary(
  fc.constantFrom(...topics, 'gone'),
  fc.uniqueArray(fc.nat(6), { maxLength: 4 }),
  { maxKeys: 3 },
);
const anyMembers: fc.Arbitrary<readonly GroupMember[]> = fc
  .array(fc.record({ topics: fc.subarray([...topics, 'gone']), held: anyHeld, foreign: fc.boolean() }), {
    minLength: 1,
    maxLength: 5,
  })
  .map((members) => members.map((member, index) => ({ ...member, id: `member-${index}` })));
const anyPartitions = fc
  .tuple(...topics.map(() => fc.nat(6)))
  .map((counts) => new Map(topics.map((topic, index) => [topic, numbers(counts[index]!)])));

function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, number) => number);
}

/** Who may be given partitions of a topic: replicas before strangers. */
function takersOf(members: readonly GroupMember[], topic: string): readonly GroupMember[] {
  const subscribers = members.filter((member) => member.topics.includes(topic));
  const replicas = subscribers.filter(({ foreign }) => !foreign);
  return replicas.length > 0 ? replicas : subscribers;
}

function ownersOf(shares: ReadonlyMap<string, Held>, topic: string, partition: number): readonly string[] {
  return [...shares].filter(([, held]) => held[topic]?.includes(partition)).map(([id]) => id);
}

function sizeOf(held: Held): number {
  return Object.values(held).flat().length;
}

test('each partition is given to exactly one member that may take it, and to nobody when nobody may', () => {
  fc.assert(
    fc.property(anyMembers, anyPartitions, (members, partitions) => {
      const shares = shareOut(members, partitions);
      for (const [topic, all] of partitions)
        for (const partition of all) {
          const takers = takersOf(members, topic).map(({ id }) => id);
          const owners = ownersOf(shares, topic, partition);
          expect(owners).toHaveLength(takers.length > 0 ? 1 : 0);
          expect(takers).toEqual(expect.arrayContaining([...owners]));
        }
      const given = [...shares.values()].reduce((sum, held) => sum + sizeOf(held), 0);
      const wanted = [...partitions].filter(([topic]) => takersOf(members, topic).length > 0);
      expect(given).toBe(wanted.reduce((sum, [, all]) => sum + all.length, 0));
    }),
  );
});

test('nobody has two partitions more than another who could have taken one of them', () => {
  fc.assert(
    fc.property(anyMembers, anyPartitions, (members, partitions) => {
      const shares = shareOut(members, partitions);
      for (const [topic, all] of partitions)
        for (const partition of all) {
          const [owner] = ownersOf(shares, topic, partition);
          if (owner === undefined) continue;
          const sizes = takersOf(members, topic).map(({ id }) => sizeOf(shares.get(id)!));
          expect(sizeOf(shares.get(owner)!) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        }
    }),
  );
});

test('members who subscribe to the same have equal shares of each topic, give or take one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), anyPartitions, (count, partitions) => {
      const members = numbers(count).map((number) => ({ id: `m${number}`, topics, held: {} }));
      const shares = shareOut(members, partitions);
      for (const topic of topics) {
        const sizes = [...shares.values()].map((held) => held[topic]?.length ?? 0);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }
    }),
  );
});

test('the same group is shared out the same way again, whoever is named first', () => {
  fc.assert(
    fc.property(anyMembers, anyPartitions, (members, partitions) => {
      const first = shareOut(members, partitions);
      const again = members.map((member) => ({ ...member, held: first.get(member.id)! }));
      expect(shareOut(again, partitions)).toEqual(first);
      expect(shareOut(again.toReversed(), partitions)).toEqual(first);
    }),
  );
});

test('when one of three leaves, the others keep all that they had', () => {
  const three = ['a', 'b', 'c'].map((id) => ({ id, topics: ['orders'], held: {} }));
  const partitions = new Map([['orders', numbers(12)]]);
  const before = shareOut(three, partitions);
  const after = shareOut(
    three.slice(0, 2).map((member) => ({ ...member, held: before.get(member.id)! })),
    partitions,
  );
  for (const id of ['a', 'b'])
    expect(after.get(id)!['orders']).toEqual(expect.arrayContaining([...before.get(id)!['orders']!]));
  expect(after.get('a')!['orders']).toHaveLength(6);
});

test('when a second one joins, it is given half of each topic, and the first keeps the other half', () => {
  const partitions = new Map(topics.map((topic) => [topic, numbers(4)]));
  const before = shareOut([{ id: 'first', topics, held: {} }], partitions);
  const after = shareOut(
    [
      { id: 'first', topics, held: before.get('first')! },
      { id: 'second', topics, held: {} },
    ],
    partitions,
  );
  for (const topic of topics) expect(after.get('second')![topic]).toHaveLength(2);
});
