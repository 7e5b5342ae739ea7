import type { INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { environment } from './shop.host.js';

/** Starts a host as its users' main.ts does. */
export async function serve(module: Type, setUp: (app: INestApplication) => unknown = () => undefined): Promise<void> {
  const app = await NestFactory.create(module, { logger: ['error', 'warn'] });
  app.enableShutdownHooks();
  await setUp(app);
  await app.listen(Number(environment('PORT')), '127.0.0.1');
}
