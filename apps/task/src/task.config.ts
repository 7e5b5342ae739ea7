import { z } from 'zod';

/** The defaults fit docker-compose.yml. */
const Environment = z.object({
  PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
  HOST: z.string().default('127.0.0.1'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).default('postgres://postgres:postgres@127.0.0.1:5432/task'),
  KAFKA_BROKERS: z
    .string()
    .regex(/^[^\s,]+:\d+(,[^\s,]+:\d+)*$/, 'expected host:port, or several divided by commas')
    .default('127.0.0.1:9092'),
  SAGA_SERVICE: z.string().min(1).default('task'),
  SAGA_PREFIX: z.string().default(''),
  TRACKER: z.enum(['on', 'off']).default('on'),
});

/** @throws Error that lists every variable with a value that is of no use */
export function configFrom(env: NodeJS.ProcessEnv) {
  const parsed = Environment.safeParse(env);
  if (!parsed.success)
    throw new Error(
      `The task service cannot start with these environment variables:\n${z.prettifyError(parsed.error)}`,
    );
  const { data } = parsed;
  return {
    port: data.PORT,
    host: data.HOST,
    brokers: data.KAFKA_BROKERS.split(','),
    databaseUrl: data.DATABASE_URL,
    service: data.SAGA_SERVICE,
    prefix: data.SAGA_PREFIX,
    tracker: data.TRACKER === 'on',
  };
}
