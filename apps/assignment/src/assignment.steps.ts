import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import {
  TaskAssignment,
  UserAssigned,
  UserAssignmentFailed,
  UserUnassigned,
  type TaskCreated,
} from '@samples/contracts';
import { Compensates, SagaStep, type CompensationContext, type StepContext } from 'nest-saga';
import { randomUUID } from 'node:crypto';
import type { Repository } from 'typeorm';
import { Assignment } from './assignment.entity.js';
import { User } from './user.entity.js';

@Injectable()
export class AssignmentSteps {
  constructor(
    @InjectRepository(User) private readonly users: Repository<User>,
    @InjectRepository(Assignment) private readonly assignments: Repository<Assignment>,
  ) {}

  @SagaStep(TaskAssignment.steps.assignUser)
  async assign(task: TaskCreated, saga: StepContext): Promise<UserAssigned | UserAssignmentFailed> {
    const { taskId, assigneeId: userId } = task;
    const refused = (reason: string) => new UserAssignmentFailed({ taskId, userId, reason });

    // The user stays locked until this step is committed: two tasks cannot both take the last place.
    const user = await this.users.findOne({ where: { id: userId }, lock: { mode: 'pessimistic_write' } });
    if (!user) return refused(`user "${userId}" is unknown`);
    const taken = await this.assignments.countBy({ userId });
    if (taken >= user.capacity) return refused(`over capacity: "${userId}" has ${taken} of ${user.capacity} tasks`);

    const assignmentId = randomUUID();
    await this.assignments.insert({ id: assignmentId, sagaId: saga.sagaId, taskId, userId });
    return new UserAssigned({ taskId, userId, assignmentId });
  }

  @Compensates(TaskAssignment.steps.assignUser)
  async unassign(assigned: UserAssigned, { cause }: CompensationContext): Promise<UserUnassigned> {
    const { taskId, userId, assignmentId } = assigned;
    await this.assignments.delete(assignmentId);
    return new UserUnassigned({
      taskId,
      userId,
      assignmentId,
      compensationReason: `Downstream failure: ${cause.reason}`,
    });
  }
}
