import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity()
export class Task {
  @PrimaryColumn({ type: 'uuid' }) id!: string;
  @Column({ type: 'text' }) title!: string;
  @Column({ type: 'text' }) assigneeId!: string;
  @Column({ type: 'text' }) state!: string;
}

@Entity()
export class Assignment {
  @PrimaryColumn({ type: 'uuid' }) id!: string;
  @Column({ type: 'uuid' }) taskId!: string;
  @Column({ type: 'text' }) userId!: string;
}

@Entity()
export class Notification {
  @PrimaryColumn({ type: 'uuid' }) id!: string;
  @Column({ type: 'uuid' }) taskId!: string;
  @Column({ type: 'text' }) channel!: string;
}
