import { Module, type LoggerService } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { pino } from 'pino';
import { serve } from '../serve.js';
import { database, injectedBooks, shopOf } from '../shop.module.js';

const root = pino({ level: 'debug' });

/** As teams put pino behind Nest's logger. */
const logger: LoggerService = {
  log: (message: unknown, context?: string) => root.info({ context }, String(message)),
  warn: (message: unknown, context?: string) => root.warn({ context }, String(message)),
  error: (message: unknown, stack?: string, context?: string) => root.error({ context, stack }, String(message)),
  debug: (message: unknown, context?: string) => root.debug({ context }, String(message)),
};

@Module({ imports: [TypeOrmModule.forRoot(database()), shopOf(injectedBooks)] })
class App {}

await serve(App, (app) => app.useLogger(logger));
