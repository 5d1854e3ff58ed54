/** Milliseconds of CLOCK_MONOTONIC, the same in every thread: `performance.now()` begins anew in each. */
export const sharedMs = (): number => Number(process.hrtime.bigint()) / 1e6;
