import { v5, v7 } from 'uuid';
import type { Chance, Clock } from '../../ports/clock.js';

export const systemClock: Clock = {
  now: () => new Date(),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};

/** Our own name space for derived ids (RFC 9562, version 5). */
const namespace = '6f1c3f5e-5a0c-4d0e-9d53-1f0f3f1c7a55';

export const systemChance: Chance = {
  newId: () => v7(),
  derivedId: (text) => v5(text, namespace),
  random: () => Math.random(),
};
