import kafkajs, { type MemberDescription } from 'kafkajs';
import { expect, test } from 'vitest';
import { groupFindings } from './kafka-members.js';

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;
const sight = {
  group: 'shop',
  clientId: 'shop',
  partitions: new Map([
    ['orders', 2],
    ['cards', 1],
  ]),
};

function member(clientId: string, topics: string[], given: Record<string, number[]>, says?: string): MemberDescription {
  return {
    memberId: `${clientId}-1`,
    clientId,
    clientHost: '/10.0.0.7',
    memberMetadata: MemberMetadata.encode({ version: 0, topics, userData: Buffer.from(says ?? '') }),
    memberAssignment: MemberAssignment.encode({ version: 0, assignment: given, userData: Buffer.alloc(0) }),
  };
}
const replica = (given: Record<string, number[]>): MemberDescription =>
  member('shop', ['orders', 'cards'], given, '{"by":"nest-saga","held":{},"partitions":{}}');

test('a group of replicas is in order', () => {
  expect(groupFindings(sight, [replica({ orders: [0] }), replica({ orders: [1], cards: [0] })])).toEqual([]);
});

test('a replica of an earlier release is no stranger; what its leadership leaves to nobody is told', () => {
  const earlier = member('shop', ['orders'], { orders: [0] });
  expect(groupFindings(sight, [earlier, replica({ orders: [1], cards: [0] })])).toEqual([]);
  const led = groupFindings(sight, [earlier, replica({ orders: [1] })]);
  expect(led).toMatchObject([
    { code: 'PARTITIONS_UNCONSUMED', detail: expect.stringContaining('nobody consumes cards[0]') },
  ]);
});

test('partitions that are given to a member that does not subscribe to their topic are consumed by nobody', () => {
  const earlier = member('shop', ['orders'], { orders: [0], cards: [0] });
  expect(groupFindings(sight, [earlier, replica({ orders: [1] })])).toMatchObject([{ code: 'PARTITIONS_UNCONSUMED' }]);
});

test.each([
  ['another client id', member('billing', ['orders'], { orders: [1] })],
  ['this client id, and topics of its own', member('shop', ['invoices'], { orders: [1] })],
  ['metadata that nobody can read', { ...member('shop', [], { orders: [1] }), memberMetadata: Buffer.from([7]) }],
])('a member with %s is a stranger, and what it takes is told', (_, stranger) => {
  const found = groupFindings(sight, [replica({ orders: [0], cards: [0] }), stranger]);
  expect(found).toMatchObject([
    { code: 'GROUP_SHARED', severity: 'error', detail: expect.stringContaining('orders[1]') },
  ]);
  expect(found[0]!.detail).toContain('at 10.0.0.7');
});

test('a stranger that leads and keeps this service from its topics is told as both', () => {
  const found = groupFindings(sight, [replica({}), member('audit', ['logs'], { logs: [0, 1] })]);
  expect(found.map(({ code }) => code)).toEqual(['GROUP_SHARED', 'PARTITIONS_UNCONSUMED']);
});
