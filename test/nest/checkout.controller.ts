import { Body, Controller, Post } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { Sagas } from 'nest-saga';
import { DataSource } from 'typeorm';
import { Note } from './database-scene.js';
import { Checkout } from './joining-sagas.js';

// #region controller
@Controller('checkouts')
export class CheckoutController {
  constructor(
    private readonly sagas: Sagas,
    @InjectDataSource() private readonly dataSource: DataSource,
  ) {}

  @Post()
  async checkOut(@Body() { cart, request }: { cart: string; request: string }): Promise<{ sagaId: string }> {
    return this.dataSource.transaction(async (manager) => {
      await manager.insert(Note, { text: `${cart} is checked out` });
      const { sagaId } = await this.sagas.start(Checkout, { cart }, { manager, key: request });
      return { sagaId };
    });
  }
}
// #endregion controller
