import { Injectable } from '@nestjs/common';
import { ContextIdFactory, ExternalContextCreator, ModuleRef } from '@nestjs/core';
import type { ContextId } from '@nestjs/core/injector/instance-wrapper.js';
import { boundTo } from './enhancers.js';
import { isShared, type FoundHandler } from './explorer.js';

type Call = (input: unknown, context: object) => Promise<unknown>;

const argumentsKey = '__sagaArguments__';

/** Makes decorated methods callable as Nest calls handlers: with their guards, interceptors and pipes, and in request scope where they have it. */
@Injectable()
export class SagaInvocation {
  constructor(
    private readonly contexts: ExternalContextCreator,
    private readonly moduleRef: ModuleRef,
  ) {}

  /** The call of a handler. One that is not shared gets an instance of its own for every call; what it may inject as REQUEST is the step's context. */
  callOf(handler: FoundHandler): Call {
    const { wrapper } = handler;
    declareArguments(handler);
    if (isShared(wrapper)) return this.bind(handler, wrapper.instance as object);
    const { instance: hostRef } = wrapper.host!.getProviderByKey<ModuleRef>(ModuleRef);
    return async (input, context) => {
      const contextId = ContextIdFactory.create();
      this.moduleRef.registerRequestByContextId(context, contextId);
      const instance = await hostRef.resolve<object>(wrapper.token, contextId);
      return this.bind(handler, instance, contextId)(input, context);
    };
  }

  private bind({ metadata, wrapper }: FoundHandler, instance: object, contextId?: ContextId): Call {
    const method = (instance as Record<string | symbol, (...args: unknown[]) => unknown>)[metadata.property]!;
    return this.contextsIn(wrapper.host!.token).create(
      instance,
      method,
      String(metadata.property),
      argumentsKey,
      { exchangeKeyForValue: (index: number, _data: unknown, args: readonly unknown[]) => args[index] },
      contextId,
      wrapper.isNotMetatype ? undefined : wrapper.id,
      { guards: true, interceptors: true, filters: false },
      'saga',
    );
  }

  /**
   * Nest looks for a handler's module among providers only: the module of a controller, where its guards are, has to be told. And the
   * pipes of the whole application do not concern steps: an event is validated by its own schema, and a whitelist would empty it.
   */
  private contextsIn(module: string): ExternalContextCreator {
    const { contexts } = this;
    const own: Pick<ExternalContextCreator, 'getContextModuleKey' | 'createPipesFn'> = {
      getContextModuleKey: () => module,
      createPipesFn: (_everyPipe, declared) => contexts.createPipesFn([], declared),
    };
    return Object.assign(Object.create(contexts) as ExternalContextCreator, own);
  }
}

/** Pipes work on declared arguments: the handler's own ones on its input, none on its context. */
function declareArguments({ metadata, type }: FoundHandler): void {
  const pipes = boundTo(type, metadata.property, 'pipes');
  if (pipes.length === 0) return;
  const declared = { '0:0': { index: 0, pipes }, '1:1': { index: 1, pipes: [] } };
  Reflect.defineMetadata(argumentsKey, declared, type, String(metadata.property));
}
