import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { User } from './user.entity.js';

const first = [
  { id: 'alice', capacity: 10 },
  { id: 'bob', capacity: 5 },
  { id: 'carol', capacity: 1 },
  { id: 'dave', capacity: 0 },
  { id: 'erin', capacity: 5 },
];

/** Fills an empty database, so that there is somebody to assign tasks to. */
@Injectable()
export class UserSeed implements OnModuleInit {
  constructor(@InjectRepository(User) private readonly users: Repository<User>) {}

  async onModuleInit(): Promise<void> {
    if (await this.users.exists()) return;
    await this.users.createQueryBuilder().insert().values(first).orIgnore().execute();
  }
}
