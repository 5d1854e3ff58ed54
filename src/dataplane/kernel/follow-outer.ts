import type { Follow, OuterFollower } from '../common/outer-follower.js';
import { mendAll } from '../common/step.js';
import type { AuthPort } from './auth-port.js';
import type { IngressFilter, WantedFilter } from './filter.js';
import type { Tunnel } from './tunnel.js';

/** What has to move with the outer side. */
export interface OuterDependents {
  readonly authPort: AuthPort;
  readonly filter: IngressFilter;
  readonly tunnel: Tunnel;
  readonly wantedFilter: () => WantedFilter;
}

export const followOuter =
  (outer: OuterFollower, { authPort, filter, tunnel, wantedFilter }: OuterDependents): Follow =>
  async ({ address, device, isBack }) => {
    if (address || device || isBack) {
      // A socket is bound to the device, not to its name.
      if (device) authPort.bindTo(outer.side.device);
      if (address) await filter.moveOuter(wantedFilter());
      await tunnel.exclusively(async () => {
        await mendAll(await tunnel.plan());
      });
    }
    await tunnel.followMtu();
  };
