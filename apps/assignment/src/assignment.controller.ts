import { Controller, Get } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { Assignment } from './assignment.entity.js';

@Controller('assignments')
export class AssignmentController {
  constructor(@InjectRepository(Assignment) private readonly assignments: Repository<Assignment>) {}

  @Get()
  newest(): Promise<Assignment[]> {
    return this.assignments.find({ order: { createdAt: 'DESC' }, take: 100 });
  }
}
