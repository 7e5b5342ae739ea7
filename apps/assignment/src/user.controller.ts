import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { z } from 'zod';
import { User } from './user.entity.js';

const UserId = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,99}$/, 'expected lower case letters, digits, ".", "_" and "-"');
const Capacity = z.strictObject({ capacity: z.number().int().min(0).max(1_000_000) });

@Controller('users')
export class UserController {
  constructor(@InjectRepository(User) private readonly users: Repository<User>) {}

  @Get()
  list(): Promise<User[]> {
    return this.users.find({ order: { id: 'ASC' } });
  }

  /** Who has more tasks than a lowered capacity keeps them, and gets no new ones. */
  @Put(':id')
  async put(
    @Param('id', { schema: UserId }) id: string,
    @Body({ schema: Capacity }) { capacity }: z.infer<typeof Capacity>,
  ): Promise<User> {
    await this.users.upsert({ id, capacity }, ['id']); // two requests at once may both be the first
    return { id, capacity };
  }
}
