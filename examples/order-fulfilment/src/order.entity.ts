import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('shop_order')
export class Order {
  @PrimaryColumn({ type: 'uuid' })
  orderId!: string;

  @Column({ type: 'text' })
  sku!: string;

  @Column({ type: 'integer' })
  quantity!: number;

  @Column({ type: 'text' })
  status!: 'placed' | 'confirmed' | 'cancelled';

  @Column({ type: 'text', nullable: true })
  reason!: string | null;
}
