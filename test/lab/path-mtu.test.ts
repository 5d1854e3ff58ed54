/** On the lab's kernel; the userspace plane does the same on the host. */
import { describePathMtu } from './support/suites/path-mtu.js';

describePathMtu({ plane: 'kernel' });
