import { Inject, Injectable } from '@nestjs/common';
import { ContextIdFactory, ExternalContextCreator, ModuleRef } from '@nestjs/core';
import type { ContextId } from '@nestjs/core/injector/instance-wrapper.js';
import { boundTo, enhancerName } from './enhancers.js';
import { isShared, type FoundHandler } from './explorer.js';
import { filtered } from './filtered.js';
import { GlobalEnhancers, type Globals } from './global-enhancers.js';
import { SAGA_OPTIONS } from './saga.module-definition.js';
import type { SagaModuleOptions } from './saga.options.js';

type Call = (input: unknown, context: object) => Promise<unknown>;

const argumentsKey = '__sagaArguments__';

/**
 * Makes decorated methods callable as Nest calls handlers: with the guards, interceptors, pipes and filters that are bound to them or to their class, and
 * in request scope where they have it.
 */
@Injectable()
export class SagaInvocation {
  private readonly globals: GlobalEnhancers;

  constructor(
    private readonly contexts: ExternalContextCreator,
    private readonly moduleRef: ModuleRef,
    @Inject(SAGA_OPTIONS) options: SagaModuleOptions,
  ) {
    this.globals = new GlobalEnhancers(contexts, options.globalEnhancers === true);
  }

  /** The call of a handler. One that is not shared gets an instance of its own for every call; what it may inject as REQUEST is the step's context. */
  callOf(handler: FoundHandler): Call {
    const { wrapper } = handler;
    const shared = isShared(wrapper) ? (wrapper.instance as object) : undefined;
    declareArguments(handler);
    if (shared && !this.globals.areScoped) return this.bind(handler, shared, this.globals.shared());
    const { instance: hostRef } = wrapper.host!.getProviderByKey<ModuleRef>(ModuleRef);
    return async (input, context) => {
      const contextId = ContextIdFactory.create();
      this.moduleRef.registerRequestByContextId(context, contextId);
      const globals = await this.globals.of(contextId);
      if (shared) return this.bind(handler, shared, globals)(input, context);
      this.globals.keepFrom(wrapper, contextId);
      const instance = await hostRef.resolve<object>(wrapper.token, contextId);
      return this.bind(handler, instance, globals, contextId)(input, context);
    };
  }

  /** What may change the answer of a handler: its interceptors and filters, by the names of their classes. */
  changersOf({ type, metadata }: FoundHandler): readonly string[] {
    const { interceptors, filters } = this.globals.shared();
    const bound = (['interceptors', 'filters'] as const).flatMap((kind) => boundTo(type, metadata.property, kind));
    return [...new Set([...interceptors, ...filters, ...bound].map(enhancerName))];
  }

  private bind({ metadata, wrapper }: FoundHandler, instance: object, globals: Globals, contextId?: ContextId): Call {
    const method = (instance as Record<string | symbol, (...args: unknown[]) => unknown>)[metadata.property]!;
    const module = wrapper.host!.token;
    const id = wrapper.isNotMetatype ? undefined : wrapper.id;
    const parts = partsOf(this.contexts, module, globals);
    const call = parts.create(
      instance,
      method,
      String(metadata.property),
      argumentsKey,
      { exchangeKeyForValue: (index: number, _data: unknown, args: readonly unknown[]) => args[index] },
      contextId,
      id,
      { guards: true, interceptors: true, filters: false },
      'saga',
    );
    return filtered(call, parts.filtersContextCreator.create(instance, method, module, contextId, id));
  }
}

/** What Nest's creator collects enhancers with; its types hide it. */
interface Parts extends Omit<ExternalContextCreator, never> {
  readonly guardsContextCreator: Collector;
  readonly interceptorsContextCreator: Collector;
  readonly pipesContextCreator: Collector;
  readonly filtersContextCreator: Collector & {
    create(...of: readonly unknown[]): Parameters<typeof filtered>[1];
  };
}

interface Collector {
  getGlobalMetadata(): readonly object[];
}

/**
 * Nest's creator with enhancers of the whole application that are chosen here. It looks for a handler's module among providers only: the module
 * of a controller, where its guards are, has to be told.
 */
function partsOf(contexts: ExternalContextCreator, module: string, globals: Globals): Parts {
  const nests = contexts as unknown as Parts;
  const choosing = <C extends Collector>(collector: C, chosen: readonly object[]): C =>
    Object.assign(Object.create(collector) as C, { getGlobalMetadata: () => chosen });
  return Object.assign(Object.create(nests) as Parts, {
    getContextModuleKey: () => module,
    createPipesFn: (_bound, declared) => contexts.createPipesFn([], declared),
    guardsContextCreator: choosing(nests.guardsContextCreator, globals.guards),
    interceptorsContextCreator: choosing(nests.interceptorsContextCreator, globals.interceptors),
    filtersContextCreator: choosing(nests.filtersContextCreator, globals.filters),
  } satisfies Partial<Parts>);
}

/** Pipes work on declared arguments: the handler's own ones on its input, none on its context. */
function declareArguments({ metadata, type }: FoundHandler): void {
  const pipes = boundTo(type, metadata.property, 'pipes');
  if (pipes.length === 0) return;
  const declared = { '0:0': { index: 0, pipes }, '1:1': { index: 1, pipes: [] } };
  Reflect.defineMetadata(argumentsKey, declared, type, String(metadata.property));
}
