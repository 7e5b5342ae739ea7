import { Global, Module, type DynamicModule, type FactoryProvider } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { EventBusBridge } from './event-bus-bridge.js';
import { SagaExplorer } from './explorer.js';
import { SagaInvocation } from './invocation.js';
import { SagaRuntime } from './runtime.js';
import { SagaLifecycle } from './saga.lifecycle.js';
import { ConfigurableModuleClass, type ASYNC_OPTIONS_TYPE, type OPTIONS_TYPE } from './saga.module-definition.js';
import { SagaOperator } from './saga-operator.js';
import { SagaServer } from './saga.server.js';
import { Sagas } from './sagas.js';
import { SemanticLocks } from './semantic-locks.js';
import { InvalidSagaSetup } from './setup-checks.js';

@Global()
@Module({
  imports: [DiscoveryModule],
  providers: [
    SagaExplorer,
    SagaInvocation,
    EventBusBridge,
    SagaRuntime,
    SagaServer,
    Sagas,
    SagaOperator,
    SemanticLocks,
  ],
  exports: [SagaRuntime, SagaServer, Sagas, SagaOperator, SemanticLocks, EventBusBridge],
})
class SagaCoreModule extends ConfigurableModuleClass {}

const lifecycle: FactoryProvider<SagaLifecycle> = {
  provide: SagaLifecycle,
  inject: [
    { token: SagaRuntime, optional: true },
    { token: SagaServer, optional: true },
    { token: EventBusBridge, optional: true },
  ],
  useFactory: (runtime?: SagaRuntime, server?: SagaServer, bridge?: EventBusBridge) => {
    if (runtime && server && bridge) return new SagaLifecycle(runtime, server, bridge);
    throw new InvalidSagaSetup('unnamed', [
      'SagaModule is imported without options; import SagaModule.forRoot({ service, transport }) or forRootAsync, once, in the root module',
    ]);
  },
};

/** Makes a Nest application take part in sagas. Import it once, in the root module. */
@Module({ providers: [lifecycle] })
export class SagaModule {
  static forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return { module: SagaModule, imports: [SagaCoreModule.forRoot(options)] };
  }

  static forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return { module: SagaModule, imports: [SagaCoreModule.forRootAsync(options)] };
  }
}
