import { z } from 'zod';

/** The defaults fit docker-compose.yml. */
const Environment = z.object({
  PORT: z.coerce.number().int().min(0).max(65_535).default(3002),
  HOST: z.string().default('127.0.0.1'),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .default('postgres://postgres:postgres@127.0.0.1:5432/notification'),
  KAFKA_BROKERS: z
    .string()
    .regex(/^[^\s,]+:\d+(,[^\s,]+:\d+)*$/, 'expected host:port, or several divided by commas')
    .default('127.0.0.1:9092'),
  SAGA_SERVICE: z.string().min(1).default('notification'),
  SAGA_PREFIX: z.string().default(''),
  SMTP_URL: z.url({ protocol: /^smtps?$/ }).default('smtp://127.0.0.1:1025'),
});

/** @throws Error that lists every variable with a value that is of no use */
export function configFrom(env: NodeJS.ProcessEnv) {
  const parsed = Environment.safeParse(env);
  if (!parsed.success)
    throw new Error(
      `The notification service cannot start with these environment variables:\n${z.prettifyError(parsed.error)}`,
    );
  const { data } = parsed;
  return {
    port: data.PORT,
    host: data.HOST,
    brokers: data.KAFKA_BROKERS.split(','),
    databaseUrl: data.DATABASE_URL,
    service: data.SAGA_SERVICE,
    prefix: data.SAGA_PREFIX,
    smtpUrl: data.SMTP_URL,
  };
}
