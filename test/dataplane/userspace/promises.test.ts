/** What the kernel plane has to withstand in the lab, on this host. */
import { describeEgress } from '../../lab/support/suites/egress.js';
import { describeFirewalls } from '../../lab/support/suites/firewalls.js';
import { describeFromInside } from '../../lab/support/suites/from-inside.js';
import { describeIdle } from '../../lab/support/suites/idle.js';
import { describeNibbles } from '../../lab/support/suites/nibbles.js';
import { describePathMtu } from '../../lab/support/suites/path-mtu.js';
import { describeRefusals } from '../../lab/support/suites/refusals.js';
import { needsRoot } from '../../support/skip.js';
import { needsBuild } from '../../support/built.js';

for (const describeSuite of [
  describeRefusals,
  describeFirewalls,
  describePathMtu,
  describeNibbles,
  describeFromInside,
  describeEgress,
]) {
  describeSuite({ plane: 'userspace', needs: [needsRoot, needsBuild] });
}

describeIdle({
  plane: 'userspace',
  watchedMs: 2000,
  cpuTicksLimit: 1,
  residentLimitBytes: 90_000_000,
  wakeUpsLimit: 8,
  needs: [needsRoot, needsBuild],
});
