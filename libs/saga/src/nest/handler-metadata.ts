import 'reflect-metadata';
import type { EventClass } from '../definition/domain-event.js';
import type { StepNode } from '../definition/saga-definition.js';
import type { HandlerOptions } from './decorators.js';

/** What a decorator says about a method. */
export type HandlerMetadata = { readonly property: string | symbol; readonly options: HandlerOptions } & (
  | { readonly kind: 'step' | 'compensation' | 'resolution'; readonly step: StepNode | undefined }
  | { readonly kind: 'listener'; readonly event: EventClass | undefined }
);

const key = Symbol('nest-saga.handlers');

/** Nest's mark of classes whose methods are called from outside: enhancers of the whole application that are request-scoped reach these only. */
const entryProvider = '__entryProvider__';

/**
 * On the class, by property: metadata on the function is lost when another decorator replaces it.
 *
 * @throws TypeError for a static method
 */
export function addHandler(target: object, handler: HandlerMetadata): void {
  if (typeof target === 'function') {
    const name = `${target.name}.${String(handler.property)}`;
    throw new TypeError(`${name} is static; sagas call methods of the instance that Nest makes. Remove "static".`);
  }
  const { constructor } = target;
  const own = (Reflect.getOwnMetadata(key, constructor) ?? []) as readonly HandlerMetadata[];
  Reflect.defineMetadata(key, [...own, handler], constructor);
  Reflect.defineMetadata(entryProvider, true, constructor);
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
