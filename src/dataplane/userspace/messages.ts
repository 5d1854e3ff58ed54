/** What the packet loop and the main thread say to each other. */
import type { ClassifierScheme } from '../../core/classifier.js';
import type { Endpoint } from '../../core/endpoint.js';
import type { Counters } from './counters.js';
import type { Ipv6Sources } from './inner6-sources.js';

/** What a loop is given for its whole life. */
export interface LoopData {
  readonly control: SharedArrayBuffer;
  readonly module: WebAssembly.Module;
  /** Wakes the loop. */
  readonly wakeFd: number;
  readonly schemes: readonly ClassifierScheme[];
  /** Undefined: the tunnel carries no IPv6. */
  readonly ipv6: Ipv6Sources | undefined;
  /** Auth packets that may wait for the main thread. */
  readonly queueLength: number;
}

export type LoopMessage =
  /** It goes by this generation of the control block from now on. */
  | { readonly kind: 'taken'; readonly generation: number }
  | { readonly kind: 'auth'; readonly from: Endpoint; readonly payload: Uint8Array }
  /** The device can't be read any more. */
  | { readonly kind: 'device-lost'; readonly code: string }
  /** A packet was too long for the way to the peer. */
  | { readonly kind: 'too-long' }
  /** The way to the peer takes no long messages; they are no longer used. */
  | { readonly kind: 'no-segmentation'; readonly code: string }
  /** A long message was refused; packets are sent singly until the next change. Told once. */
  | { readonly kind: 'segmentation-paused'; readonly code: string }
  | { readonly kind: 'counters'; readonly counters: Counters };
