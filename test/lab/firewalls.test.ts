/** On the lab's kernel; the userspace plane does the same on the host. */
import { describeFirewalls } from './support/suites/firewalls.js';

describeFirewalls({ plane: 'kernel' });
