import { describeIdle } from './support/suites/idle.js';

describeIdle({
  plane: 'kernel',
  watchedMs: 6000,
  // On an emulated processor: room for the one look at the listener that falls into the time.
  cpuTicksLimit: 5,
  residentLimitBytes: 70_000_000,
});
