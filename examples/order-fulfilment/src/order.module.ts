// #region module
import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SagaModule, SagaTrackerModule, inMemory } from 'nest-saga';
import { Charge, Reservation, Shipment } from './fulfilment.entities.js';
import { Order } from './order.entity.js';
import { OrderSteps } from './order.steps.js';
import { PaymentSteps } from './payment.steps.js';
import { ShipmentSteps } from './shipment.steps.js';
import { StockSteps } from './stock.steps.js';

const entities = [Order, Reservation, Charge, Shipment];

@Module({
  imports: [
    CqrsModule.forRoot(),
    TypeOrmModule.forRoot({ type: 'postgres', url: process.env['DATABASE_URL'], entities, synchronize: true }),
    TypeOrmModule.forFeature(entities),
    SagaModule.forRoot({ service: 'shop', transport: inMemory() }),
    SagaTrackerModule,
  ],
  providers: [OrderSteps, StockSteps, PaymentSteps, ShipmentSteps],
})
export class OrderModule {}
// #endregion module
