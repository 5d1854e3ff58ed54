/** On this host; the kernel's plane does the same in the lab. */
import { describeIpv6 } from '../../lab/support/suites/ipv6.js';
import { needsRoot } from '../../support/skip.js';
import { needsBuild } from '../../support/built.js';

describeIpv6({ plane: 'userspace', transferBytes: 10_000_000, needs: [needsRoot, needsBuild] });
