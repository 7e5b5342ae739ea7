import { Injectable, type Type } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { handlersOf, type HandlerMetadata } from './handler-metadata.js';

/** A decorated method, where it lives, and the provider or controller that has it. */
export interface FoundHandler {
  readonly metadata: HandlerMetadata;
  readonly wrapper: InstanceWrapper;
  readonly type: Type;
  /** `AssignmentSteps.assign`. */
  readonly label: string;
}

/** Finds the decorated methods of all providers and controllers. */
@Injectable()
export class SagaExplorer {
  constructor(private readonly discovery: DiscoveryService) {}

  /** An instance that is provided under several tokens counts once. */
  find(): readonly FoundHandler[] {
    const seen = new Set<unknown>();
    return [...this.discovery.getProviders(), ...this.discovery.getControllers()].flatMap((wrapper) => {
      const type = decoratedClass(wrapper);
      const handlers = type ? handlersOf(type) : [];
      if (!type || handlers.length === 0 || seen.has(wrapper.instance)) return [];
      if (isShared(wrapper)) seen.add(wrapper.instance);
      return handlers.map((metadata) => ({
        metadata,
        wrapper,
        type,
        label: `${type.name}.${String(metadata.property)}`,
      }));
    });
  }

  /** The instances of a class in the whole application, the global modules' first. */
  instancesOf<T>(type: Type<T>): readonly T[] {
    const wrappers = this.discovery.getProviders().toSorted((a, b) => isGlobal(b) - isGlobal(a));
    const instances = wrappers.map((wrapper): unknown => wrapper.instance);
    return [...new Set(instances)].filter((instance): instance is T => instance instanceof type);
  }
}

/** One instance for all calls: neither request-scoped, by itself or by what it depends on, nor transient. */
export function isShared(wrapper: InstanceWrapper): boolean {
  return wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
}

function isGlobal({ host }: InstanceWrapper): number {
  return host?.isGlobal ? 1 : 0;
}

/**
 * What stands in for a decorated class, as a test's `overrideProvider(Steps).useValue(...)` does, and what a factory makes for every request
 * have that class's handlers: nothing that a service declares is passed over in silence.
 */
function decoratedClass(wrapper: InstanceWrapper): Type | undefined {
  const made = classOf(wrapper);
  const token: unknown = wrapper.token;
  if (typeof token !== 'function' || wrapper.isAlias || (made && handlersOf(made).length > 0)) return made;
  return token as Type;
}

/** A factory or a value is known by what it made. */
function classOf(wrapper: InstanceWrapper): Type | undefined {
  const made = !wrapper.metatype || wrapper.inject;
  const type: unknown = made ? (wrapper.instance as object | undefined)?.constructor : wrapper.metatype;
  return typeof type === 'function' ? (type as Type) : undefined;
}
