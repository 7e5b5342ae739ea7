import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { Contact } from './contact.entity.js';

const first = [
  { userId: 'alice', email: 'alice@example.com' },
  { userId: 'bob', email: 'bob.miller@example.com' },
  { userId: 'carol', email: 'carol@example.com' },
  { userId: 'erin', email: 'erin@undeliverable.example' },
];

/** Fills an empty database. Users without a contact are written to at example.com. */
@Injectable()
export class ContactSeed implements OnModuleInit {
  constructor(@InjectRepository(Contact) private readonly contacts: Repository<Contact>) {}

  async onModuleInit(): Promise<void> {
    if (await this.contacts.exists()) return;
    await this.contacts.createQueryBuilder().insert().values(first).orIgnore().execute();
  }
}
