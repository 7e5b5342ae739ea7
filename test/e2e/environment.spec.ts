import { configFrom as assignmentConfig } from '../../apps/assignment/src/assignment.config.js';
import { configFrom as notificationConfig } from '../../apps/notification/src/notification.config.js';
import { configFrom as taskConfig } from '../../apps/task/src/task.config.js';

const configs = { task: taskConfig, assignment: assignmentConfig, notification: notificationConfig };

describe('the environment of the services', () => {
  test('an empty one fits docker-compose.yml, a port for each', () => {
    const empty = Object.entries(configs).map(([service, configFrom]) => [service, configFrom({})] as const);
    for (const [service, config] of empty) {
      expect(config).toMatchObject({
        service,
        databaseUrl: `postgres://postgres:postgres@127.0.0.1:5432/${service}`,
        brokers: ['127.0.0.1:9092'],
        prefix: '',
        host: '127.0.0.1',
      });
    }
    expect(empty.map(([, { port }]) => port)).toEqual([3000, 3001, 3002]);
    expect(notificationConfig({}).smtpUrl).toBe('smtp://127.0.0.1:1025');
  });

  test.each(Object.entries(configs))('the %s service names every variable that is of no use', (service, configFrom) => {
    const wrong = { PORT: 'http', DATABASE_URL: 'mysql://localhost/db', KAFKA_BROKERS: 'kafka' };
    const message = (() => {
      try {
        configFrom(wrong);
        return 'accepted';
      } catch (error) {
        return (error as Error).message;
      }
    })();
    expect(message).toContain(`The ${service} service cannot start`);
    for (const variable of Object.keys(wrong)) expect(message).toContain(`at ${variable}`);
  });

  test('several brokers are divided by commas', () => {
    expect(taskConfig({ KAFKA_BROKERS: 'a:9092,b:9092' }).brokers).toEqual(['a:9092', 'b:9092']);
  });
});
