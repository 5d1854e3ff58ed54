import type { ClassifierScheme } from '../../core/classifier.js';
import type { OuterWish } from '../common/outer-path.js';
import type { TunnelSettings } from '../index.js';
import type { RemainsSettings } from '../kernel/remains.js';
import type { Offloads } from './control-block.js';

export interface UserspacePlaneSettings {
  /** The tunnel's number: our mark. */
  readonly number: number;
  /** Auth packets that may wait; what comes on top is dropped. */
  readonly queueLength: number;
  /** TTL of auth packets; absent: the system's default. */
  readonly authTtl?: number;
  readonly outer: OuterWish;
  /** What auth packets look like on the tunnel's port. */
  readonly schemes: readonly ClassifierScheme[];
  readonly tunnel: TunnelSettings;
  /** Of a kernel plane of the same tunnel, for what it may have left. */
  readonly kernel: Pick<RemainsSettings, 'table' | 'queueNumber'>;
  /** What must not be used although the kernel has it. */
  readonly without?: readonly (keyof Offloads)[];
}
