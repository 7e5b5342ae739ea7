import { Injectable } from '@nestjs/common';
import { ContextIdFactory, ExternalContextCreator, ModuleRef } from '@nestjs/core';
import type { ContextId } from '@nestjs/core/injector/instance-wrapper.js';
import type { FoundHandler } from './explorer.js';

type Call = (input: unknown, context: object) => Promise<unknown>;

const argumentsKey = '__sagaArguments__';
const pipesKey = '__pipes__';

/** Makes decorated methods callable as Nest calls handlers: with their guards, interceptors and pipes, and in request scope where they have it. */
@Injectable()
export class SagaInvocation {
  constructor(
    private readonly contexts: ExternalContextCreator,
    private readonly moduleRef: ModuleRef,
  ) {}

  callOf(handler: FoundHandler): Call {
    const { wrapper } = handler;
    if (wrapper.isDependencyTreeStatic()) return this.bind(handler, wrapper.instance as object);
    return async (input, context) => {
      const contextId = ContextIdFactory.create();
      this.moduleRef.registerRequestByContextId(context, contextId);
      const instance = await this.moduleRef.resolve<object>(wrapper.token, contextId, { strict: false });
      return this.bind(handler, instance, contextId)(input, context);
    };
  }

  private bind({ metadata }: FoundHandler, instance: object, contextId?: ContextId): Call {
    const name = String(metadata.property);
    const method = (instance as Record<string | symbol, (...args: unknown[]) => unknown>)[metadata.property]!;
    if (hasPipes(instance, method)) declareArguments(instance, name);
    return this.contexts.create(
      instance,
      method,
      name,
      argumentsKey,
      { exchangeKeyForValue: (index: number, _data: unknown, args: readonly unknown[]) => args[index] },
      contextId,
      undefined,
      { guards: true, interceptors: true, filters: false },
      'saga',
    );
  }
}

/** Global pipes alone do not concern steps: an event is validated by its own schema, and a whitelist would empty it. */
function hasPipes(instance: object, method: object): boolean {
  return [method, instance.constructor].some((target) => Reflect.hasMetadata(pipesKey, target));
}

/** Pipes work on declared arguments; ours are the input and the context, by position. */
function declareArguments(instance: object, method: string): void {
  const declared = { '0:0': { index: 0, pipes: [] }, '1:1': { index: 1, pipes: [] } };
  Reflect.defineMetadata(argumentsKey, declared, instance.constructor, method);
}
