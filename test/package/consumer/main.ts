import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { getRepositoryToken } from '@nestjs/typeorm';
import { Sagas } from 'nest-saga';
import type { Repository } from 'typeorm';
import { Line, OrderModule } from './order.module.js';
import { Order } from './order.saga.js';

// Prints what became of two orders, one of which is refused.
const app = await NestFactory.createApplicationContext(OrderModule, { logger: ['error', 'warn'] });
const sagas = app.get(Sagas);
const started = await Promise.all([
  sagas.start(Order, { orderId: 'small', quantity: 2 }),
  sagas.start(Order, { orderId: 'large', quantity: 20 }),
]);
const ended = await Promise.all(started.map(({ sagaId }) => sagas.settled(sagaId, { timeout: 20_000 })));
const lines = await app.get<Repository<Line>>(getRepositoryToken(Line)).find({ order: { orderId: 'ASC' } });
await app.close();
console.log(
  JSON.stringify([...ended.map(({ status }) => status), ...lines.map(({ orderId, state }) => `${orderId} ${state}`)]),
);
