import { Controller, Get, ServiceUnavailableException } from '@nestjs/common';
import { Sagas, type SagaHealth } from 'nest-saga';

@Controller('health')
export class HealthController {
  constructor(private readonly sagas: Sagas) {}

  /** Everything, for people and dashboards (`up`), and for a liveness probe: 503 only when nothing but a restart of this process helps. */
  @Get()
  async read(): Promise<SagaHealth> {
    const health = await this.sagas.health();
    if (!health.live) throw new ServiceUnavailableException(health);
    return health;
  }

  /** For a readiness probe: 503 while requests could not be served. While Kafka is away they can: what they commit waits in the outbox. */
  @Get('ready')
  async readiness(): Promise<Pick<SagaHealth, 'ready' | 'database'>> {
    const { ready, database } = await this.sagas.health();
    if (!ready) throw new ServiceUnavailableException({ ready, database });
    return { ready, database };
  }
}
