import 'reflect-metadata';
import type { EventClass } from '../definition/domain-event.js';
import type { StepNode } from '../definition/saga-definition.js';
import type { HandlerOptions, ListenerOptions } from './decorators.js';

/** What a decorator says about a method. */
export type HandlerMetadata = {
  readonly property: string | symbol;
  readonly options: HandlerOptions & ListenerOptions;
} & (
  | { readonly kind: 'step' | 'compensation' | 'resolution'; readonly step: StepNode | undefined }
  | { readonly kind: 'listener'; readonly event: EventClass | undefined }
);

/** Known to every copy of this package, so that what another copy decorated is found, and refused, instead of missed. */
const key = Symbol.for('nest-saga.handlers');

/**
 * On the class, by property: metadata on the function is lost when another decorator replaces it.
 *
 * @throws TypeError for what is no method of instances
 */
export function addHandler(
  target: object,
  handler: HandlerMetadata,
  descriptor: PropertyDescriptor | undefined = Object.getOwnPropertyDescriptor(target, handler.property),
): void {
  refuseNoMethod(target, handler.property, descriptor);
  const { constructor } = target;
  const own = (Reflect.getOwnMetadata(key, constructor) ?? []) as readonly HandlerMetadata[];
  Reflect.defineMetadata(key, [...own, handler], constructor);
}

/** A compiler that makes standard decorators gives another second argument, and a decorator on a class none. */
function refuseNoMethod(
  target: object,
  property: string | symbol | object | undefined,
  descriptor: PropertyDescriptor | undefined,
): void {
  if (typeof property === 'object')
    throw new TypeError(
      'A saga decorator was called as a standard decorator; set "experimentalDecorators": true in tsconfig.json, as the decorators of Nest need.',
    );
  if (property === undefined)
    throw new TypeError(`A saga decorator stands on ${nameOf(target)}, which is no method; put it on the method.`);
  const name = `${(typeof target === 'function' ? target : target.constructor).name}.${String(property)}`;
  if (typeof target === 'function')
    throw new TypeError(`${name} is static; sagas call methods of the instance that Nest makes. Remove "static".`);
  if (typeof descriptor?.value !== 'function')
    throw new TypeError(
      `${name} is no method but a field, an accessor or a parameter; write it as a method: ${String(property)}(input) { ... }.`,
    );
}

function nameOf(target: unknown): string {
  return typeof target === 'function' ? `class ${target.name}`.trimEnd() : typeof target;
}

/** The handlers of a class and of the classes it extends; an overriding class may decorate a method anew. */
export function handlersOf(type: object): readonly HandlerMetadata[] {
  const found: HandlerMetadata[] = [];
  for (let at: unknown = type; typeof at === 'function'; at = Object.getPrototypeOf(at)) {
    const own = (Reflect.getOwnMetadata(key, at) ?? []) as readonly HandlerMetadata[];
    found.push(
      ...own.filter(
        (handler) => !found.some((known) => known.property === handler.property && known.kind === handler.kind),
      ),
    );
  }
  return found;
}
