import type { ClassifierScheme } from '../../core/classifier.js';
import type { OuterWish } from '../common/outer-path.js';
import type { TunnelSettings } from '../index.js';

export interface KernelPlaneSettings {
  /** The tunnel's number: our mark, and the name of the internal device. */
  readonly number: number;
  readonly table: string;
  readonly queueNumber: number;
  /** Auth packets that may wait; the kernel drops what comes on top. */
  readonly queueLength: number;
  /** TTL of auth packets; absent: the system's default. */
  readonly authTtl?: number;
  /** Whether the rules count packets; absent: yes. */
  readonly counters?: boolean;
  readonly outer: OuterWish;
  /** The internal outer address to take where it is free. */
  readonly internalAddress: string;
  /** What auth packets look like on the tunnel's port. */
  readonly schemes: readonly ClassifierScheme[];
  readonly tunnel: TunnelSettings;
  /** Whether the tunnel may be carried without a filter and a queue, on a kernel that has none. */
  readonly mayBeOpen: boolean;
}
