import { Controller, Get, ServiceUnavailableException } from '@nestjs/common';
import { Sagas, type SagaHealth } from 'nest-saga';

@Controller('health')
export class HealthController {
  constructor(private readonly sagas: Sagas) {}

  /** 503 while the service cannot hear or publish events. What it commits meanwhile waits in its outbox. */
  @Get()
  async read(): Promise<SagaHealth> {
    const health = await this.sagas.health();
    if (!health.up) throw new ServiceUnavailableException(health);
    return health;
  }
}
