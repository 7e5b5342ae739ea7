import { Injectable } from '@nestjs/common';
import { Compensates, SagaStep, type CompensationContext, type StepContext } from 'nest-saga';
import type { z } from 'zod';
import { Journal } from './journal.js';
import { OutsideBookings } from './outside-bookings.js';
import {
  LegRejected,
  LegReleased,
  LegReserved,
  Tour,
  TourConfirmed,
  TourMarkedFailed,
  TourRequested,
  type tour,
} from './tour.saga.js';

const { steps } = Tour;

@Injectable()
export class TourSteps {
  constructor(private readonly journal: Journal) {}

  @SagaStep(steps.requestTour)
  request(wanted: z.infer<typeof tour>): TourRequested {
    return new TourRequested(wanted);
  }

  @Compensates(steps.requestTour)
  async fail({ tourId }: TourRequested): Promise<TourMarkedFailed> {
    await this.journal.note('failed');
    return new TourMarkedFailed({ tourId });
  }

  @SagaStep(steps.confirmTour)
  async confirm(legs: Readonly<Record<string, LegReserved>>): Promise<TourConfirmed> {
    await this.journal.note(`confirmed ${Object.keys(legs).toSorted().join(' ')}`);
    return new TourConfirmed({ bookings: Object.values(legs).map(({ booking }) => booking) });
  }
}

@Injectable()
export class LegSteps {
  constructor(
    private readonly outside: OutsideBookings,
    private readonly journal: Journal,
  ) {}

  @SagaStep(steps.reserveLeg)
  async reserve({ tourId, legs }: TourRequested, saga: StepContext): Promise<LegReserved | LegRejected> {
    const { branch, idempotencyKey } = saga;
    if (legs.find(({ name }) => name === branch)!.full) return new LegRejected({ leg: branch });
    await this.outside.book(idempotencyKey, branch);
    return new LegReserved({ tourId, leg: branch, booking: idempotencyKey });
  }

  @Compensates(steps.reserveLeg)
  async release(reserved: LegReserved, saga: CompensationContext): Promise<LegReleased> {
    await this.outside.cancel(reserved.booking);
    await this.journal.note(`released ${saga.branch}`);
    return new LegReleased(reserved);
  }
}
