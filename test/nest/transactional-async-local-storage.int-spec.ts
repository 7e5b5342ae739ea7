import { StorageDriver } from 'typeorm-transactional';
import { withTransactional } from './transactional-scene.js';

withTransactional(StorageDriver.ASYNC_LOCAL_STORAGE);
