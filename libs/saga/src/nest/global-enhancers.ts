import type { ApplicationConfig, ExternalContextCreator } from '@nestjs/core';
import { ModuleRef } from '@nestjs/core';
import type { ContextId, InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import type { EnhancerKind } from './enhancers.js';

/** Enhancers of the whole application, as instances, by kind. */
export type Globals = Readonly<Record<EnhancerKind, readonly object[]>>;

const none: Globals = { guards: [], interceptors: [], pipes: [], filters: [] };

/**
 * Guards, interceptors and filters of the whole application (`app.useGlobalGuards`, `APP_GUARD` ...). They are written for requests, so they stay away
 * from steps unless the module was told otherwise. Pipes of the whole application always do: an event is validated by its own schema, and a whitelist
 * would empty it.
 */
export class GlobalEnhancers {
  private readonly config: ApplicationConfig;

  /** @param apply whether they concern steps */
  constructor(
    contexts: ExternalContextCreator,
    private readonly apply: boolean,
  ) {
    // Nest's types hide it, and it is injected nowhere.
    const { container } = contexts as unknown as { readonly container: { applicationConfig: ApplicationConfig } };
    this.config = container.applicationConfig;
  }

  /** Those that are made once. */
  shared(): Globals {
    if (!this.apply) return none;
    const { config } = this;
    return {
      ...none,
      guards: config.getGlobalGuards(),
      interceptors: config.getGlobalInterceptors(),
      filters: config.getGlobalFilters(),
    };
  }

  /** Whether some that concern steps are made for every call. */
  get areScoped(): boolean {
    return this.apply && this.scoped().some(({ kind }) => kind !== 'pipes');
  }

  /** All that concern a step, in the context of its call. */
  async of(contextId: ContextId): Promise<Globals> {
    const shared = this.shared();
    if (!this.areScoped) return shared;
    const made = await Promise.all(
      this.scoped().map(async ({ kind, wrapper }) => ({ kind, instance: await resolved(wrapper, contextId) })),
    );
    const all = (kind: EnhancerKind): readonly object[] => [
      ...shared[kind],
      ...made.filter((one) => one.kind === kind).map(({ instance }) => instance),
    ];
    return { ...none, guards: all('guards'), interceptors: all('interceptors'), filters: all('filters') };
  }

  /**
   * Nest makes the scoped ones together with every controller. One that is for requests must not even be constructed for a step: what it injects
   * as REQUEST is none.
   */
  keepFrom(host: InstanceWrapper, contextId: ContextId): void {
    if (this.apply) return;
    for (const { wrapper } of this.scoped())
      wrapper.setInstanceByContextId(contextId, { instance: {}, isResolved: true, isPending: false }, host.id);
  }

  private scoped(): readonly { readonly kind: EnhancerKind; readonly wrapper: InstanceWrapper }[] {
    const { config } = this;
    const of = (kind: EnhancerKind, wrappers: readonly InstanceWrapper[]) =>
      wrappers.map((wrapper) => ({ kind, wrapper }));
    return [
      ...of('guards', config.getGlobalRequestGuards()),
      ...of('interceptors', config.getGlobalRequestInterceptors()),
      ...of('pipes', config.getGlobalRequestPipes()),
      ...of('filters', config.getGlobalRequestFilters()),
    ];
  }
}

function resolved(wrapper: InstanceWrapper, contextId: ContextId): Promise<object> {
  const { instance: host } = wrapper.host!.getProviderByKey<ModuleRef>(ModuleRef);
  return host.resolve<object>(wrapper.token, contextId);
}
