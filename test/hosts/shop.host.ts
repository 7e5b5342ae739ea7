import { Body, Controller, Get, Post } from '@nestjs/common';
import { Sagas, inMemory, type SagaModuleOptions } from 'nest-saga';
import { Column, Entity, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import { Shop } from './shop.saga.js';

@Entity('orders')
export class Order {
  @PrimaryColumn() id!: string;
  @Column() state!: string;
  @Column() tenant!: string;
}

@Entity('charges')
export class Charge {
  @PrimaryGeneratedColumn() no!: number;
  @Column() orderId!: string;
}

export const entities = [Order, Charge];

export const saga: SagaModuleOptions = {
  service: 'shop',
  transport: inMemory(),
  retry: { firstDelay: 20, maxDelay: 20 },
};

/** What the body of a request is: plain data. */
export class OrderBody {
  id!: string;
  tenant!: string;
}

@Controller()
export class ShopController {
  constructor(private readonly sagas: Sagas) {}

  /** Answers when the saga is over. */
  @Post('orders')
  async order(@Body() { id, tenant }: OrderBody): Promise<object> {
    const { sagaId } = await this.sagas.start(Shop, { id, tenant });
    const { status, steps } = await this.sagas.settled(sagaId, { timeout: 30_000 });
    return { status, steps };
  }

  @Get('health')
  async health(): Promise<object> {
    return this.sagas.health();
  }
}

export function environment(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}
