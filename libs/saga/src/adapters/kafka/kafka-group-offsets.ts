import type { KafkaClients } from './kafka-clients.js';

/** Whether one of these consumer groups has committed an offset of any topic. */
export async function haveCommitted(clients: Pick<KafkaClients, 'admin'>, groups: readonly string[]): Promise<boolean> {
  const admin = clients.admin();
  try {
    await admin.connect();
    for (const groupId of groups) {
      const topics = await admin.fetchOffsets({ groupId });
      if (topics.some(({ partitions }) => partitions.some(({ offset }) => Number(offset) >= 0))) return true;
    }
    return false;
  } finally {
    await admin.disconnect();
  }
}
