import { Controller, Inject, Module, Post } from '@nestjs/common';
import { ClientKafka, ClientsModule, EventPattern, MessagePattern, Payload, Transport } from '@nestjs/microservices';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Kafka, logLevel } from 'kafkajs';
import { kafka } from 'nest-saga';
import { firstValueFrom } from 'rxjs';
import { DataSource } from 'typeorm';
import { serve } from '../serve.js';
import { environment } from '../shop.host.js';
import { database, injectedBooks, shopOf } from '../shop.module.js';

const brokers = environment('KAFKA_BROKERS').split(',');
const prefix = environment('PREFIX');
const options = (groupId: string) => ({
  client: { clientId: 'host', brokers },
  consumer: { groupId: `${prefix}${groupId}` },
});

interface Said {
  readonly text?: string;
}

@Controller()
class Talk {
  constructor(
    @Inject('CLIENT') private readonly client: ClientKafka,
    private readonly dataSource: DataSource,
  ) {}

  async onModuleInit(): Promise<void> {
    this.client.subscribeToResponseOf(`${prefix}asked`);
    await this.client.connect();
  }

  @EventPattern(`${prefix}told`)
  async told(@Payload() { text }: Said): Promise<void> {
    await this.dataSource.query('INSERT INTO heard VALUES ($1)', [text]);
  }

  @MessagePattern(`${prefix}asked`)
  asked(@Payload() { text }: Said): object {
    return { answer: text?.toUpperCase() };
  }

  @Post('talk')
  async talk(): Promise<object> {
    await firstValueFrom(this.client.emit(`${prefix}told`, { text: 'told' }));
    return firstValueFrom(this.client.send<object>(`${prefix}asked`, { text: 'asked' }));
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot(database()),
    ClientsModule.register([{ name: 'CLIENT', transport: Transport.KAFKA, options: options('client') }]),
    shopOf(injectedBooks, {
      saga: { prefix, transport: kafka({ brokers, createTopics: { partitions: 2, replicationFactor: 1 } }) },
    }),
  ],
  controllers: [Talk],
})
class App {}

await serve(App, async (app) => {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({
    topics: ['told', 'asked', 'asked.reply'].map((name) => ({ topic: `${prefix}${name}` })),
    waitForLeaders: true,
  });
  await admin.disconnect();
  await app.get(DataSource).query('CREATE TABLE heard (text text)');
  app.connectMicroservice({ transport: Transport.KAFKA, options: options('server') }, { inheritAppConfig: true });
  await app.startAllMicroservices();
  // A consumer of the application's own, in a group of its own, on the saga's topic: as a team adds for a report.
  const reader = new Kafka({ clientId: 'reader', brokers, logLevel: logLevel.NOTHING }).consumer({
    groupId: `${prefix}reader`,
  });
  await reader.connect();
  await reader.subscribe({ topic: `${prefix}told`, fromBeginning: true });
  await reader.run({
    eachMessage: async () => void (await app.get(DataSource).query(`INSERT INTO heard VALUES ('read')`)),
  });
});
