import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { kafka } from 'nest-saga';
import { configFrom } from './assignment.config.js';
import { AssignmentModule } from './assignment.module.js';

const { port, host, brokers, ...options } = configFrom(process.env);
const transport = kafka({ brokers, createTopics: { partitions: 6, replicationFactor: 1 } });

const app = await NestFactory.create(AssignmentModule.forRoot({ ...options, transport }));
app.enableShutdownHooks();
await app.listen(port, host);
