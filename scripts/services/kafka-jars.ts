import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { makeOnce } from './make-once.js';
import { NoBroker } from './no-broker.js';
import { finished } from './run.js';

/** The newest whose parts are all published and which runs on Java 17. */
export const KAFKA_VERSION = '4.3.1';

const DOWNLOAD_WITHIN_MS = 600_000;

/** The broker logs through slf4j, and its own packages name no backend: slf4j-simple writes to standard error. */
const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>nest-saga</groupId>
  <artifactId>kafka-broker</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${KAFKA_VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
  <build><plugins><plugin><artifactId>maven-dependency-plugin</artifactId><version>3.8.1</version></plugin></plugins></build>
</project>
`;

function cacheDirectory(): string {
  const root = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const directory = join(root, 'nest-saga');
  try {
    mkdirSync(directory, { recursive: true });
  } catch (cause) {
    throw new Error(`The broker's jars cannot be kept in ${directory}. Set XDG_CACHE_HOME elsewhere.`, { cause });
  }
  return directory;
}

async function download(directory: string): Promise<void> {
  const maven = await finished('mvn', ['--version']);
  if (!maven.ok) throw new NoBroker([`Maven, which would fetch the broker, does not run: ${maven.reason}`]);
  console.error(`Fetching Apache Kafka ${KAFKA_VERSION} with Maven, once (45 MB) ...`);
  const pom = join(directory, 'pom.xml');
  writeFileSync(pom, POM);
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${directory}`];
  const options = ['--batch-mode', '--quiet', '--strict-checksums', '--file', pom];
  const copied = await finished('mvn', [...options, ...goal], DOWNLOAD_WITHIN_MS);
  if (!copied.ok) throw new NoBroker([`Maven could not fetch Apache Kafka ${KAFKA_VERSION}: ${copied.reason}`]);
}

/** The directory with the broker's jars. Fetched the first time; starts at the same time do not disturb each other. */
export async function kafkaJars(): Promise<string> {
  const contents = createHash('sha256').update(POM).digest('hex').slice(0, 8);
  const jars = join(cacheDirectory(), `kafka-${KAFKA_VERSION}-${contents}`);
  if (!existsSync(jars)) await makeOnce(jars, download);
  return jars;
}
