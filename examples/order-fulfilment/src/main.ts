// #region main
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { Sagas } from 'nest-saga';
import { OrderFulfilment } from './order-fulfilment.saga.js';
import { OrderModule } from './order.module.js';

const app = await NestFactory.createApplicationContext(OrderModule);
const sagas = app.get(Sagas);

for (const order of [
  { sku: 'lamp', quantity: 2, total: 79.97, card: '5105', zip: '10115' },
  { sku: 'lamp', quantity: 15, total: 599.85, card: '5105', zip: '10115' },
  { sku: 'lamp', quantity: 1, total: 39.99, card: '4000', zip: '10115' },
  { sku: 'piano', quantity: 1, total: 9_000, card: '5105', zip: '10115' },
]) {
  const { sagaId } = await sagas.start(OrderFulfilment, order);
  const saga = await sagas.settled(sagaId, { timeout: 10_000 });
  console.log(saga.status, saga.history.map((event) => event.type).join(' -> '));
}

await app.close();
// #endregion main
