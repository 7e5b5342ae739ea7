import 'reflect-metadata';
import { armFailpoint } from './failpoints.js';
import { jumpClock } from './clock-jumps.js';
import { keepSchema } from './kept-schema.js';
import { redriveWhenAsked } from './redrive.js';
import { tellHoldings } from './resources.js';

// Loaded with `node --import` before a service, from the same bundle: the classes it patches are the service's own.
keepSchema(process.env['CHAOS_KEEP_SCHEMA']);
tellHoldings(process.env['CHAOS_HOLDINGS']);
redriveWhenAsked();
armFailpoint(process.env['FAILPOINT']);
jumpClock(process.env['CHAOS_CLOCK']);
