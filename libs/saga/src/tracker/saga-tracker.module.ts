import { Module } from '@nestjs/common';
import { SagaTracker } from './saga-tracker.js';

/** Tracks the sagas that the application takes part in, or was given with `SagaModule.forRoot({ sagas })`. Import it beside SagaModule. */
@Module({ providers: [SagaTracker], exports: [SagaTracker] })
export class SagaTrackerModule {}
