import { Module } from '@nestjs/common';
import { TrackerCatchUp } from './catch-up.js';
import { SagaTracker } from './saga-tracker.js';

/** Tracks the sagas that the application takes part in, or was given with `SagaModule.forRoot({ sagas })`. Import it beside SagaModule. */
@Module({ providers: [SagaTracker, TrackerCatchUp], exports: [SagaTracker] })
export class SagaTrackerModule {}
