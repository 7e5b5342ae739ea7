import { HttpStatus } from '@nestjs/common';
import { onTestFinished, expect, test } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { CheckoutController } from './checkout.controller.js';
import { startedOn } from './database-scene.js';
import { CheckoutSteps, Shop, wentOn } from './joining-sagas.js';
import { eventually } from './scene.js';

test('a controller that writes a row and starts a saga has both or none, and can be asked again', async () => {
  const module = await startedOn(await freshDatabase(), {
    controllers: [CheckoutController],
    providers: [CheckoutSteps],
  });
  const app = module.createNestApplication();
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  const shop = new Shop(module);
  const checkOut = async (): Promise<number> => {
    const body = JSON.stringify({ cart: 'c1', request: 'r1' });
    const headers = { 'content-type': 'application/json' };
    return (await fetch(`${await app.getUrl()}/checkouts`, { method: 'POST', headers, body })).status;
  };
  shop.steps.besides = () => Promise.reject(new Error('sold out'));
  expect(await checkOut()).toBe(HttpStatus.INTERNAL_SERVER_ERROR);
  expect(await shop.notes()).toEqual([]);
  shop.steps.besides = () => Promise.resolve();
  expect(await checkOut()).toBe(HttpStatus.CREATED);
  await eventually(async () => expect(await shop.notes()).toEqual([wentOn, 'c1 is checked out', 'ordered c1']));
});
