import { StorageDriver } from 'typeorm-transactional';
import { withTransactional } from './transactional-scene.js';

withTransactional(StorageDriver.CLS_HOOKED);
