/** On the lab's kernel; the userspace plane does the same on the host. */
import { describeRefusals } from './support/suites/refusals.js';

describeRefusals({ plane: 'kernel' });
