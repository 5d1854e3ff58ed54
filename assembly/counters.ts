/**
 * What is counted, each a u64 in the arena. By the loop around this module: from DROPPED_SENDING to DROPPED_AUTH_QUEUE, and
 * DROPPED_FROM_INSIDE.
 */
import { COUNTERS } from './layout';

export const IN_PACKETS: i32 = 0;
export const IN_BYTES: i32 = 1;
export const OUT_PACKETS: i32 = 2;
export const OUT_BYTES: i32 = 3;
export const JOINED_PACKETS: i32 = 4;
export const DROPPED_UNBOUND: i32 = 5;
export const DROPPED_UNRECOGNISED: i32 = 6;
export const DROPPED_MALFORMED: i32 = 7;
export const DROPPED_FOREIGN: i32 = 8;
export const DROPPED_CUT: i32 = 9;
export const DROPPED_NO_PEER: i32 = 10;
export const DROPPED_UNSENDABLE: i32 = 11;
export const DROPPED_SENDING: i32 = 12;
export const DROPPED_WRITING: i32 = 13;
export const DROPPED_AUTH_RATE: i32 = 14;
export const DROPPED_AUTH_QUEUE: i32 = 15;
export const FOR_NEIGHBOURS: i32 = 16;
export const DROPPED_FROM_INSIDE: i32 = 17;

export function count(counter: i32, by: i32 = 1): void {
  const at = COUNTERS + counter * 8;
  store<u64>(at, load<u64>(at) + <u64>by);
}
