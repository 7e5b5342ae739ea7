import { kafka, type SagaModuleOptions } from 'nest-saga';

// #region retention
const day = 24 * 60 * 60 * 1_000;

export const options: SagaModuleOptions = {
  service: 'assignment',
  transport: kafka({ brokers: ['localhost:9092'] }),
  retention: {
    keep: 21 * day, // how long settled rows stay
    margin: 3 * day, // by how much that exceeds what the topics remember; default: a day
    history: 90 * day, // how long the tracker keeps sagas that are over; default: keep
  },
};
// #endregion retention
