import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { kafka } from 'nest-saga';
import { configFrom } from './notification.config.js';
import { NotificationModule } from './notification.module.js';

const { port, host, brokers, ...options } = configFrom(process.env);
const transport = kafka({ brokers, createTopics: { partitions: 6, replicationFactor: 1 } });

const app = await NestFactory.create(NotificationModule.forRoot({ ...options, transport }));
app.enableShutdownHooks();
await app.listen(port, host);
