import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { boom, DoorScene } from './doors-scene.js';

let scene: DoorScene;

beforeAll(async () => void (scene = await DoorScene.open()));
afterAll(() => scene.close());
beforeEach(() => scene.emptied());

describe('a stream of a step', () => {
  const many = 'SELECT n FROM generate_series(1, 1000) n';

  it('is read while nothing else is said, and what comes meanwhile waits for its end', async () => {
    await scene.step(async () => {
      const stream = await scene.stream(many);
      const [rows] = await Promise.all([stream.toArray(), scene.early.insert({ id: 'one' })]);
      expect(rows).toHaveLength(1000);
    });
    expect(await scene.items()).toEqual(['one']);
  });

  it('refuses what its reader says before its end, instead of waiting for ever', async () => {
    const reading = scene.step(async () => {
      for await (const row of await scene.stream(many))
        await scene.early.insert({ id: String((row as { n: number }).n) });
    });
    await expect(reading).rejects.toMatchObject({ code: 'STREAM_OPEN' });
    expect(await scene.items()).toEqual([]);
  });

  it.each(['returns', 'throws'])('that is left open when the method %s ends with the step', async (how) => {
    const left = scene.step(async () => {
      const stream = await scene.stream(many);
      await new Promise((readable) => stream.once('readable', readable));
      if (how === 'throws') await boom();
    });
    await expect(left).rejects.toThrow(how === 'throws' ? 'boom' : 'A stream inside a saga step was still open');
    await scene.step(() => scene.early.insert({ id: 'next' }));
    expect(await scene.items()).toEqual(['next']);
  });
});
