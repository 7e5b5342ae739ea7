import { Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { handlersOf, type HandlerMetadata } from './handler-metadata.js';

/** A decorated method, where it lives, and the provider or controller that has it. */
export interface FoundHandler {
  readonly metadata: HandlerMetadata;
  readonly wrapper: InstanceWrapper;
  /** `AssignmentSteps.assign`. */
  readonly label: string;
}

/** Finds the decorated methods of all providers and controllers. */
@Injectable()
export class SagaExplorer {
  constructor(private readonly discovery: DiscoveryService) {}

  find(): readonly FoundHandler[] {
    return [...this.discovery.getProviders(), ...this.discovery.getControllers()]
      .filter((wrapper) => !wrapper.isAlias)
      .flatMap((wrapper) => {
        const type = classOf(wrapper);
        return type
          ? handlersOf(type).map((metadata) => ({
              metadata,
              wrapper,
              label: `${type.name}.${String(metadata.property)}`,
            }))
          : [];
      });
  }
}

/** A factory or a value is known by what it made. */
function classOf(wrapper: InstanceWrapper): { readonly name: string } | undefined {
  const made = !wrapper.metatype || wrapper.inject;
  const type: unknown = made ? (wrapper.instance as object | undefined)?.constructor : wrapper.metatype;
  return typeof type === 'function' ? type : undefined;
}
