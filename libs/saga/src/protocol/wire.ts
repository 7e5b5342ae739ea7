import { branchesFrom, type Branches } from './branches.js';
import { SagaError } from './errors.js';
import { outcomes, type Outcome } from './outcome.js';
import type { Envelope } from './envelope.js';
import { onOneLine, shortened } from './reason.js';
import { parentFrom, parentText, type Parent } from './parent.js';
import { isTimestamp } from './timestamp.js';
import { isUuid } from './uuid.js';

/** A record as a transport carries it. */
export interface WireMessage {
  readonly topic: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string;
}

/** A record that cannot be a saga event; it goes to the dead letters with this reason. */
export class PoisonRecord extends SagaError {
  readonly reason: string;

  /** @param why may quote the record, whose texts are as long and as odd as somebody liked: it is put on one line and shortened */
  constructor(why: string) {
    const reason = shortened(onOneLine(why));
    super('POISON_RECORD', `The record is no saga event: ${reason}.`, { retriable: false });
    this.reason = reason;
    this.name = 'PoisonRecord';
  }
}

/** The outcome as it is written in `ce_sagaoutcome`. */
const written: Readonly<Record<Outcome, string>> = {
  done: 'done',
  skipped: 'skipped',
  rejected: 'rejected',
  cancelled: 'cancelled',
  compensated: 'compensated',
  deadLettered: 'dead-lettered',
  abortRequested: 'abort-requested',
};

/** Of the attributes that we write. */
export const attributeNames = [
  'specversion',
  'id',
  'type',
  'source',
  'time',
  'sagaid',
  'sagatype',
  'sagaversion',
  'sagagraph',
  'sagastep',
  'sagaoutcome',
  'correlationid',
  'partitionkey',
  'causationid',
  'sagafailedstep',
  'sagareason',
  'sagawaivedby',
  'sagabranches',
  'traceparent',
  'sagaparent',
] as const;

/**
 * The headers of an event's record: its attributes, absent ones left out. Written out name by name, as every event is written: to put them
 * together from names would cost twenty times as much.
 */
export function headersOf(event: Envelope): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    ce_specversion: '1.0',
    ce_id: event.id,
    ce_type: event.type,
    ce_source: event.source,
    ce_time: event.time,
    ce_sagaid: event.sagaId,
    ce_sagatype: event.sagaType,
    ce_sagaversion: String(event.sagaVersion),
    ce_sagastep: event.step,
    ce_sagaoutcome: written[event.outcome],
    ce_correlationid: event.correlationId,
    ce_partitionkey: event.partitionKey,
  };
  if (event.graph !== undefined) headers['ce_sagagraph'] = event.graph;
  if (event.causationId !== undefined) headers['ce_causationid'] = event.causationId;
  if (event.cause) {
    headers['ce_sagafailedstep'] = event.cause.step;
    headers['ce_sagareason'] = shortened(onOneLine(event.cause.reason));
  }
  if (event.waivedBy !== undefined) headers['ce_sagawaivedby'] = event.waivedBy;
  if (event.branches) headers['ce_sagabranches'] = JSON.stringify(event.branches);
  if (event.traceparent !== undefined) headers['ce_traceparent'] = event.traceparent;
  if (event.parent) headers['ce_sagaparent'] = parentText(event.parent);
  return headers;
}

/**
 * The envelope of parsed CloudEvents attributes and data.
 *
 * @throws PoisonRecord naming the first thing that is missing or wrong
 */
export function envelopeFrom(attributes: Readonly<Record<string, unknown>>, data: unknown): Envelope {
  const text = (name: string): string => {
    const value = optional(name);
    if (value === undefined) throw new PoisonRecord(`attribute "${name}" is missing`);
    return value;
  };
  const optional = (name: string): string | undefined => attributeText(attributes, name);
  if (text('specversion') !== '1.0') throw new PoisonRecord(`CloudEvents version "${text('specversion')}" is not 1.0`);
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new PoisonRecord('its data is no JSON object');
  const failedStep = optional('sagafailedstep');
  const graph = optional('sagagraph');
  const causationId = optional('causationid');
  const waivedBy = optional('sagawaivedby');
  const traceparent = optional('traceparent');
  const parent = parentOf(optional('sagaparent'));
  return {
    id: text('id'),
    type: text('type'),
    source: text('source'),
    time: timestamp(text('time')),
    sagaId: uuid(text('sagaid')),
    sagaType: text('sagatype'),
    sagaVersion: version(text('sagaversion')),
    ...(graph !== undefined && { graph }),
    step: text('sagastep'),
    outcome: outcome(text('sagaoutcome')),
    correlationId: text('correlationid'),
    partitionKey: optional('partitionkey') ?? text('sagaid'),
    ...(causationId !== undefined && { causationId }),
    ...(traceparent !== undefined && { traceparent }),
    ...(parent && { parent }),
    ...(failedStep !== undefined && { cause: { step: failedStep, reason: reasonFrom(attributes['sagareason']) } }),
    ...(waivedBy !== undefined && { waivedBy }),
    ...(attributes['sagabranches'] !== undefined && { branches: branches(attributes['sagabranches']) }),
    data,
  };
}

/**
 * An attribute as a text; nothing for one that is absent or empty.
 *
 * @throws PoisonRecord when it cannot be passed on
 */
export function attributeText(attributes: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = attributes[name];
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string' || value === '') return undefined;
  const why = unfitAttribute(value);
  if (why !== undefined) throw new PoisonRecord(`attribute "${name}" ${why}`);
  return value;
}

/** An attribute as a word to compare, of a record that nobody has looked at yet: in structured mode it may be what cannot even be made a text. */
export function wordOf(attribute: unknown): string {
  return typeof attribute === 'string' || typeof attribute === 'number' ? String(attribute) : '';
}

/** What fits a header, a key of a database index, and CloudEvents' rules for attributes. */
const longestAttribute = 512;

/** Why a text cannot be an attribute of an event; nothing when it can. */
export function unfitAttribute(text: string): string | undefined {
  if (text.length > longestAttribute) return `has ${text.length} characters, ${longestAttribute} are the most`;
  if (/\p{Cc}/u.test(text)) return `holds a ${text.includes('\0') ? 'null' : 'control'} character`;
  return /\p{Cs}/u.test(text) ? 'holds half of a surrogate pair' : undefined;
}

/** It is for people: what is odd about it is mended, not refused. */
function reasonFrom(given: unknown): string {
  return typeof given === 'string' ? shortened(onOneLine(given)) : '';
}

function branches(given: unknown): Branches {
  const found = branchesFrom(given);
  if (!found) throw new PoisonRecord('attribute "sagabranches" is no list of branches by step');
  return found;
}

function timestamp(value: string): string {
  if (!isTimestamp(value)) throw new PoisonRecord(`time "${value}" is no RFC 3339 timestamp`);
  return value;
}

function uuid(value: string): string {
  if (!isUuid(value)) throw new PoisonRecord(`saga id "${value}" is no UUID`);
  return value.toLowerCase();
}

function version(value: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(value)) throw new PoisonRecord(`saga version "${value}" is no whole number from 1`);
  return Number(value);
}

/** The outcome of an attribute `sagaoutcome`, if it is one. */
export function outcomeNamed(value: unknown): Outcome | undefined {
  return outcomes.find((candidate) => written[candidate] === value);
}

function outcome(value: string): Outcome {
  const found = outcomeNamed(value);
  if (found === undefined) throw new PoisonRecord(`outcome "${value}" is unknown`);
  return found;
}

function parentOf(text: string | undefined): Parent | undefined {
  if (text === undefined) return undefined;
  const parent = parentFrom(text);
  if (parent) return parent;
  throw new PoisonRecord(`attribute "sagaparent" names no step of a saga: "${text}"`);
}
