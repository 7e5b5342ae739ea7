import { Controller, Get, NotFoundException, Param } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { InjectRepository } from '@nestjs/typeorm';
import { TaskAssignment } from '@samples/contracts';
import { Sagas, type TrackedSaga } from 'nest-saga';
import type { Repository } from 'typeorm';
import { z } from 'zod';
import { Task } from './task.entity.js';

@ApiTags('sagas')
@Controller('sagas')
export class SagaController {
  constructor(
    private readonly sagas: Sagas,
    @InjectRepository(Task) private readonly tasks: Repository<Task>,
  ) {}

  @Get(':id')
  @ApiOperation({
    summary: 'Where a saga stands: its state, its steps, and its events, each after the one that caused it',
  })
  async read(@Param('id', { schema: z.uuid() }) sagaId: string): Promise<Partial<TrackedSaga>> {
    const saga = await this.sagas.status(sagaId);
    if (saga) return saga;
    if (!(await this.tasks.existsBy({ sagaId }))) throw new NotFoundException(`There is no saga ${sagaId}`);
    // It has been started, and its first event is still on the way to the tracker.
    return { sagaId, saga: TaskAssignment.name, status: 'unknown', steps: {}, history: [] };
  }
}
