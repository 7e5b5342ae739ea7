import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Client } from 'pg';
import { DefaultNamingStrategy, type NamingStrategyInterface } from 'typeorm';
import { serve } from '../serve.js';
import { environment } from '../shop.host.js';
import { database, injectedBooks, shopOf } from '../shop.module.js';

class SnakeNamingStrategy extends DefaultNamingStrategy implements NamingStrategyInterface {
  override columnName(property: string, custom: string | undefined, prefixes: string[]): string {
    const name = [...prefixes, custom ?? property].join('_');
    return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  }
}

const admin = new Client(environment('DATABASE_URL'));
await admin.connect();
await admin.query('CREATE SCHEMA IF NOT EXISTS "Shop Data"');
await admin.end();

@Module({
  imports: [
    TypeOrmModule.forRoot(
      database({ schema: 'Shop Data', entityPrefix: 'app_', namingStrategy: new SnakeNamingStrategy() }),
    ),
    shopOf(injectedBooks),
  ],
})
class App {}

await serve(App);
