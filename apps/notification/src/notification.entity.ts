import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** What became of a task's notification. */
@Entity('notification')
export class Notification {
  @PrimaryColumn({ name: 'saga_id', type: 'uuid' })
  sagaId!: string;

  /** Null where it was given up: the library's event names the step and the reason only. */
  @Column({ name: 'task_id', type: 'uuid', nullable: true, unique: true })
  taskId!: string | null;

  @Column({ type: 'text' })
  status!: 'sent' | 'refused' | 'given up';

  @Column({ name: 'notification_id', type: 'uuid', nullable: true })
  notificationId!: string | null;

  @Column({ type: 'text', nullable: true })
  reason!: string | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;
}
