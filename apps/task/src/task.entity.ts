import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** `pending_assignment` for as long as the saga may still go either way. */
export type TaskStatus = 'pending_assignment' | 'assigned' | 'assignment_failed';

@Entity('task')
export class Task {
  @PrimaryColumn({ type: 'uuid' })
  id!: string;

  @Column({ name: 'saga_id', type: 'uuid', unique: true })
  sagaId!: string;

  @Column({ type: 'text' })
  title!: string;

  @Column({ name: 'assignee_id', type: 'text' })
  assigneeId!: string;

  @Column({ type: 'text' })
  priority!: 'low' | 'normal' | 'high';

  @Column({ type: 'text', default: 'pending_assignment' })
  status!: TaskStatus;

  @Column({ name: 'failed_step', type: 'text', nullable: true })
  failedStep!: string | null;

  @Column({ name: 'failure_reason', type: 'text', nullable: true })
  failureReason!: string | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;
}
