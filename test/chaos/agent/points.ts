/** The points on the path of an event at which a process can be made to fail. */
export const points = [
  'consume.beforeTx',
  'consume.afterHandler',
  'consume.beforeCommit',
  'consume.afterCommit',
  'consume.beforeOffset',
  'consume.afterOffset',
  'relay.beforeSend',
  'relay.afterSend',
  'relay.afterDelete',
  'retry.afterClaim',
  'external.afterEffect',
] as const;

export type Point = (typeof points)[number];

/** What happens there: the process dies, the call throws, takes a second longer, or never ends. */
export const actions = ['kill', 'throw', 'delay', 'hang'] as const;

export type Action = (typeof actions)[number];

/** `name:action:nth`, as in the variable FAILPOINT. */
export interface Failpoint {
  readonly point: Point;
  readonly action: Action;
  readonly nth: number;
}

export function failpointText({ point, action, nth }: Failpoint): string {
  return `${point}:${action}:${nth}`;
}

/** @throws Error that says what is wrong with the text */
export function failpointFrom(text: string): Failpoint {
  const [name, what, nth] = text.split(':');
  const point = points.find((known) => known === name);
  const action = actions.find((known) => known === what);
  if (point === undefined || action === undefined || !/^[1-9]\d*$/.test(nth ?? ''))
    throw new Error(
      `FAILPOINT is "${text}". Write name:action:nth, the name one of ${points.join(', ')}, the action one of ${actions.join(', ')}.`,
    );
  return { point, action, nth: Number(nth) };
}
