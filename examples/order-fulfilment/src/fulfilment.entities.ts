import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('reservation')
export class Reservation {
  @PrimaryColumn({ type: 'uuid' })
  reservationId!: string;

  @Column({ type: 'uuid' })
  orderId!: string;
}

@Entity('charge')
export class Charge {
  @PrimaryColumn({ type: 'uuid' })
  chargeId!: string;

  @Column({ type: 'uuid' })
  orderId!: string;

  @Column({ type: 'double precision' })
  amount!: number;

  @Column({ type: 'boolean' })
  refunded!: boolean;
}

@Entity('shipment')
export class Shipment {
  @PrimaryColumn({ type: 'uuid' })
  orderId!: string;
}
