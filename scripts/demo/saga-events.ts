import type { SagaModuleOptions } from 'nest-saga';

/** A saga event as anybody may read it from its topic: the CloudEvents attributes that are shown. */
export interface SagaEvent {
  readonly sagaId: string;
  readonly type: string;
  readonly step: string;
  readonly outcome: string;
  readonly source: string;
  readonly data: { readonly title?: string };
}

/** Reads all events of a topic as one more consumer group. Resolves to how to stop it. */
export async function watchSagaEvents(
  transport: SagaModuleOptions['transport'],
  topic: string,
  seen: (event: SagaEvent) => void,
): Promise<() => Promise<void>> {
  const logger = { log: () => undefined, warn: console.error, error: console.error };
  const client = transport({ service: 'demo', logger });
  const known = new Set<string>();
  await client.subscribe({
    group: `${topic}.demo`,
    topics: [topic],
    handle: async (records) => {
      for (const { headers, value } of records) {
        const id = headers['ce_id'] ?? '';
        if (!known.has(id)) seen(eventOf(headers, value)); // delivery is at least once
        known.add(id);
      }
    },
  });
  return () => client.close();
}

function eventOf(headers: Readonly<Record<string, string>>, value: string): SagaEvent {
  return {
    sagaId: headers['ce_sagaid'] ?? '',
    type: headers['ce_type'] ?? '',
    step: headers['ce_sagastep'] ?? '',
    outcome: headers['ce_sagaoutcome'] ?? '',
    source: headers['ce_source'] ?? '',
    data: JSON.parse(value) as SagaEvent['data'],
  };
}
