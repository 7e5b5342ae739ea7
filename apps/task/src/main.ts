import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { kafka } from 'nest-saga';
import { configFrom } from './task.config.js';
import { TaskModule } from './task.module.js';

const { port, host, brokers, ...options } = configFrom(process.env);
const transport = kafka({ brokers, createTopics: { partitions: 6, replicationFactor: 1 } });

const app = await NestFactory.create(TaskModule.forRoot({ ...options, transport }));
const api = new DocumentBuilder().setTitle('Tasks').setDescription('Creates tasks and has them assigned').build();
SwaggerModule.setup('api', app, () => SwaggerModule.createDocument(app, api));
app.enableShutdownHooks();
await app.listen(port, host);
