import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('assignable_user')
export class User {
  @PrimaryColumn({ type: 'text' })
  id!: string;

  /** How many tasks the user takes at once. */
  @Column({ type: 'integer' })
  capacity!: number;
}
