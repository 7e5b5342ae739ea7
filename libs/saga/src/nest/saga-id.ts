export { isUuid as isSagaId } from '../protocol/uuid.js';
