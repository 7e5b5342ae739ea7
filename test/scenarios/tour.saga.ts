import { DomainEvent, defineSaga } from 'nest-saga';
import { z } from 'zod';

export const tour = z.object({ tourId: z.string(), legs: z.array(z.object({ name: z.string(), full: z.boolean() })) });
const leg = z.object({ tourId: z.string(), leg: z.string(), booking: z.string() });

export class TourRequested extends DomainEvent('tour.requested', tour) {}
export class TourMarkedFailed extends DomainEvent('tour.marked.failed', z.object({ tourId: z.string() })) {}
export class LegReserved extends DomainEvent('tour.leg.reserved', leg) {}
export class LegRejected extends DomainEvent('tour.leg.rejected', z.object({ leg: z.string() })) {}
export class LegReleased extends DomainEvent('tour.leg.released', leg) {}
export class TourConfirmed extends DomainEvent('tour.confirmed', z.object({ bookings: z.array(z.string()) })) {}

/** As many legs as the tour has, all reserved at the same time. */
export const Tour = defineSaga('tour', {
  requestTour: { input: tour, emits: TourRequested, compensated: TourMarkedFailed },
  reserveLeg: {
    after: 'requestTour',
    each: (requested: TourRequested) => requested.legs.map(({ name }) => name),
    effect: 'external',
    emits: LegReserved,
    rejected: LegRejected,
    compensated: LegReleased,
  },
  confirmTour: { after: 'reserveLeg', kind: 'pivot', emits: TourConfirmed },
});
