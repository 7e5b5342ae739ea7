/** Why a record cannot be taken. One of an unknown version is no poison: it is parked, for whoever will know the version. */
export type PoisonKind = 'unreadable' | 'unknown type' | 'oversize' | 'wrong data' | 'unknown version';

export const poisonHeader = 'chaos-poison';
/** On records that were published before. */
export const againHeader = 'chaos-again';

/** Whether a service published the record. */
export function isGenuine({ headers }: { readonly headers: Readonly<Record<string, string>> }): boolean {
  return !(poisonHeader in headers) && !(againHeader in headers);
}

/** The groups that read the topic and bury what they cannot take, as service/audience. */
const everyone = [
  'task/steps',
  'task/listeners',
  'assignment/steps',
  'notification/steps',
  'notification/listeners',
] as const;

/** By whom a record of this kind is kept: every group that takes part, or only the one whose step it concerns. */
export function buriedBy(kind: PoisonKind): readonly string[] {
  return kind === 'wrong data' ? ['assignment/steps'] : everyone;
}
