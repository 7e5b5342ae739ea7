import { randomFillSync } from 'node:crypto';
import { v5, v7 } from 'uuid';
import type { Chance, Clock } from '../../ports/clock.js';
import { after } from '../../ports/own-context.js';

export const systemClock: Clock = {
  now: () => new Date(),
  after,
};

/** Our own name space for derived ids (RFC 9562, version 5). */
const namespace = '6f1c3f5e-5a0c-4d0e-9d53-1f0f3f1c7a55';

/** Chance in advance, as asking for it is what an id costs. */
const chance = Buffer.alloc(4_096);
let used = chance.length;

function sixteenBytes(): Uint8Array {
  if (used === chance.length) {
    randomFillSync(chance);
    used = 0;
  }
  used += 16;
  return chance.subarray(used - 16, used);
}

export const systemChance: Chance = {
  newId: () => v7({ random: sixteenBytes() }),
  derivedId: (text) => v5(text, namespace),
  random: () => Math.random(),
};
