import type { Type } from '@nestjs/common';
import type { FoundHandler } from './explorer.js';

/** Where Nest keeps what `@UseGuards`, `@UseInterceptors`, `@UsePipes` and `@UseFilters` say. */
const keys = {
  guards: '__guards__',
  interceptors: '__interceptors__',
  pipes: '__pipes__',
  filters: '__exceptionFilters__',
} as const;

export type EnhancerKind = keyof typeof keys;

/** The enhancers of a class and of one of its methods, as they were given: classes or instances. */
export function boundTo(type: Type, property: string | symbol, kind: EnhancerKind): readonly object[] {
  const method = (type.prototype as Record<string | symbol, object>)[property];
  return [type, method].flatMap((target): readonly object[] =>
    target ? ((Reflect.getMetadata(keys[kind], target) ?? []) as readonly object[]) : [],
  );
}

/**
 * Enhancers given as classes that Nest made no instance of, because the handler's class was made by a factory or given as a value. Nest would
 * pass over them without a word.
 */
export function missingEnhancers({ wrapper, type, metadata }: FoundHandler): readonly string[] {
  return (Object.keys(keys) as EnhancerKind[])
    .flatMap((kind) => boundTo(type, metadata.property, kind))
    .filter((enhancer): enhancer is Type => typeof enhancer === 'function')
    .filter((enhancer) => !wrapper.host?.injectables.has(enhancer))
    .map((enhancer) => enhancer.name);
}

/** The class of an enhancer that was given as a class or as an instance, for a message. */
export function enhancerName(enhancer: object): string {
  return typeof enhancer === 'function' ? enhancer.name : enhancer.constructor.name;
}
