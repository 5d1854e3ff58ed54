/** What the kernel plane has to withstand in the lab, on this host. */
import { describeFirewalls } from '../../lab/support/suites/firewalls.js';
import { describeNibbles } from '../../lab/support/suites/nibbles.js';
import { describePathMtu } from '../../lab/support/suites/path-mtu.js';
import { describeRefusals } from '../../lab/support/suites/refusals.js';
import { needsRoot } from '../../support/skip.js';
import { needsBuild } from './support/built.js';

for (const describeSuite of [describeRefusals, describeFirewalls, describePathMtu, describeNibbles]) {
  describeSuite({ plane: 'userspace', needs: [needsRoot, needsBuild] });
}
