import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Column, Entity, PrimaryGeneratedColumn, type Repository } from 'typeorm';

/** What a service did, committed with what it did. The clock is the server's: entries of all databases on one server can be put in order. */
@Entity('journal')
export class Entry {
  @PrimaryGeneratedColumn({ type: 'integer' }) id!: number;
  @Column({ type: 'text' }) text!: string;
  @Column({ type: 'timestamptz', default: () => 'clock_timestamp()' }) at!: Date;
}

@Injectable()
export class Journal {
  constructor(@InjectRepository(Entry) private readonly entries: Repository<Entry>) {}

  async note(text: string): Promise<void> {
    await this.entries.insert({ text });
  }
}
