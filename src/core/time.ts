/** The moment at which an event is handled. The two clocks share nothing: the first may jump, the second never does. */
export interface Now {
  /** Wall clock; milliseconds since 1970, UTC. */
  readonly unixMs: number;
  /** Milliseconds since any fixed moment. */
  readonly monotonicMs: number;
}

/** Unix seconds, as they are signed. A clock before 1970 counts as 1970. */
export const unixSeconds = (now: Now): number => Math.max(0, Math.floor(now.unixMs / 1000));
