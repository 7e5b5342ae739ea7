import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { serve } from '../serve.js';
import { database, injectedBooks, shopOf } from '../shop.module.js';

/** Nothing around it: what is loaded with `--import`, or stands before the database, is what is tried. */
@Module({ imports: [TypeOrmModule.forRoot(database()), shopOf(injectedBooks)] })
class App {}

await serve(App);
