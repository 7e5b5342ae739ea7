import type { StandardSchemaV1 } from '@standard-schema/spec';

/** What the compiler says where a schema describes no object. */
export type NoEventData =
  'The data of an event is one object: put a text, a number, a list, or what may be missing, into a field of it, such as z.object({ value: … })';

type NoObject =
  readonly unknown[] | Date | ReadonlyMap<unknown, unknown> | ReadonlySet<unknown> | ((...given: never[]) => unknown);

type IsUnion<Data, Whole = Data> = Data extends unknown ? ([Whole] extends [Data] ? false : true) : never;
type KeyOfAny<Data> = Data extends unknown ? keyof Data : never;
type ValueInAny<Data, Key> = Data extends unknown ? (Key extends keyof Data ? Data[Key] : never) : never;

/** A class cannot be made from a union: what all of its forms have is there, and what some have may be. */
type Merged<Data> = { readonly [Key in Extract<KeyOfAny<Data>, keyof Data>]: Data[Key] } & {
  readonly [Key in Exclude<KeyOfAny<Data>, keyof Data>]?: ValueInAny<Data, Key>;
};

/** The members that an event has of its data. */
export type EventData<Data extends object> = true extends IsUnion<Data> ? Merged<Data> : Data;

/** An event class, or why there is none of this data: a class cannot be made of a sentence. */
export type Unless<Data, EventClass> = unknown extends Data
  ? EventClass
  : [Extract<Data, NoObject>] extends [never]
    ? EventClass
    : NoEventData;

/**
 * What a schema describes, where that is surely no object: asked what it has against an empty one.
 *
 * @returns its own words, such as `string | number`
 */
export function otherThanObject(schema: StandardSchemaV1): string | undefined {
  const answer = answerOf(schema);
  if (!answer) return undefined;
  if (answer.issues) {
    const expected = answer.issues.map(expectedBy);
    return expected.length > 0 && expected.every((one) => one !== undefined) ? expected.join(' | ') : undefined;
  }
  return typeof answer.value === 'object' && answer.value !== null ? undefined : typeof answer.value;
}

/** A schema may throw at what it is asked, or answer later: then nothing is known. */
function answerOf(schema: StandardSchemaV1): StandardSchemaV1.Result<unknown> | undefined {
  try {
    const answer = schema['~standard'].validate({});
    if (!(answer instanceof Promise)) return answer;
    answer.catch(() => undefined);
  } catch {
    return undefined;
  }
  return undefined;
}

const noObjects = new Set(
  'string,number,int,nan,boolean,bigint,symbol,null,undefined,void,date,array,tuple,map,set,function'.split(','),
);

/** Libraries say what they expected: as one word, as words with `|` or `or` in between, or with the answers of a union's members. */
function expectedBy(issue: StandardSchemaV1.Issue): string | undefined {
  if (issue.path && issue.path.length > 0) return undefined;
  const { expected, values, errors } = issue as { expected?: unknown; values?: unknown; errors?: unknown };
  if (Array.isArray(values)) return values.map((value) => JSON.stringify(value)).join(' | ');
  if (Array.isArray(errors) && errors.length > 0) {
    const members = errors.flatMap((member: unknown) =>
      Array.isArray(member) ? member.map((one) => expectedBy(one as StandardSchemaV1.Issue)) : [undefined],
    );
    return members.length > 0 && members.every((one) => one !== undefined) ? members.join(' | ') : undefined;
  }
  if (typeof expected !== 'string') return undefined;
  const words = expected
    .replaceAll(/[()]/g, '')
    .split(/ \| | or /)
    .map((word) => word.replace(/^an? /, ''));
  return words.every((word) => noObjects.has(word.toLowerCase())) ? words.join(' | ') : undefined;
}
