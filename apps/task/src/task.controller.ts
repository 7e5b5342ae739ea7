import {
  BadRequestException,
  Body,
  Controller,
  Get,
  Headers,
  HttpCode,
  NotFoundException,
  Param,
  Post,
  Query,
  Res,
  UnprocessableEntityException,
} from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import { InjectRepository } from '@nestjs/typeorm';
import { NewTask, TaskAssignment } from '@samples/contracts';
import { Sagas } from 'nest-saga';
import type { Repository } from 'typeorm';
import { z } from 'zod';
import { Task } from './task.entity.js';

const Page = z.object({
  page: z.coerce.number().int().min(1).default(1),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

const longestKey = 255;

interface Accepted {
  readonly taskId: string;
  readonly sagaId: string;
  readonly status: string;
}

@ApiTags('tasks')
@Controller('tasks')
export class TaskController {
  constructor(
    private readonly sagas: Sagas,
    @InjectRepository(Task) private readonly tasks: Repository<Task>,
  ) {}

  @Post()
  @HttpCode(202)
  @ApiOperation({ summary: 'Create a task; whether its assignee gets it is decided by the saga that this starts' })
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: 'The same key finds the first task again' })
  async create(
    @Body({ schema: NewTask }) request: NewTask,
    @Headers('idempotency-key') key: string | undefined,
    @Res({ passthrough: true }) response: { location(url: string): void },
  ): Promise<Accepted> {
    if (key !== undefined && key.length > longestKey)
      throw new BadRequestException(`Idempotency-Key has ${key.length} characters, ${longestKey} are the most`);
    const { sagaId } = await this.sagas.start(TaskAssignment, request, key ? { key } : {});
    const task = await this.tasks.findOneByOrFail({ sagaId });
    if (task.title !== request.title || task.assigneeId !== request.assigneeId || task.priority !== request.priority)
      throw new UnprocessableEntityException(`Idempotency-Key "${key}" was used for another task, ${task.id}`);
    response.location(`/tasks/${task.id}`);
    return { taskId: task.id, sagaId, status: task.status };
  }

  @Get()
  @ApiOperation({ summary: 'All tasks, newest first' })
  async list(@Query({ schema: Page }) { page, limit }: z.infer<typeof Page>) {
    const [items, total] = await this.tasks.findAndCount({
      order: { createdAt: 'DESC', id: 'ASC' },
      skip: (page - 1) * limit,
      take: limit,
    });
    return { items, total, page, limit };
  }

  @Get(':id')
  @ApiOperation({ summary: 'One task: pending_assignment, assigned, or assignment_failed with the reason' })
  async read(@Param('id', { schema: z.uuid() }) id: string): Promise<Task> {
    const task = await this.tasks.findOneBy({ id });
    if (!task) throw new NotFoundException(`There is no task ${id}`);
    return task;
  }
}
