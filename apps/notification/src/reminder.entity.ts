import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('reminder')
export class Reminder {
  @PrimaryColumn({ type: 'uuid' })
  id!: string;

  @Column({ name: 'saga_id', type: 'uuid' })
  sagaId!: string;

  @Column({ name: 'task_id', type: 'uuid', unique: true })
  taskId!: string;

  @Column({ name: 'remind_at', type: 'timestamptz' })
  remindAt!: Date;
}
