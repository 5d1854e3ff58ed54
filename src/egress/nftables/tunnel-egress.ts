import type { AddressFamily, IpAddress } from '../address.js';
import type { AddressRange } from '../address-range.js';
import type { Policy } from '../policy.js';

/** A tunnel whose egress is looked after. */
export interface TunnelEgress {
  readonly device: string;
  readonly policies: readonly Policy[];
  /** Where in the tunnel packets for a `per=packet` pool go to. */
  readonly inner: Readonly<Partial<Record<AddressFamily, IpAddress>>>;
  /** What else is known to lie behind it. */
  readonly networks?: readonly AddressRange[];
}
