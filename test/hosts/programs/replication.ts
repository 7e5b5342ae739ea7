import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { serve } from '../serve.js';
import { entities, environment } from '../shop.host.js';
import { injectedBooks, shopOf } from '../shop.module.js';

const url = environment('DATABASE_URL');
/** The replica is a role that may not write: whatever of a saga is sent to it fails. */
const replica = environment('REPLICA_URL');

@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'postgres',
      replication: { master: { url }, slaves: [{ url: replica }] },
      entities,
      synchronize: true,
    }),
    shopOf(injectedBooks),
  ],
})
class App {}

await serve(App);
