/** On the lab's kernel; the userspace plane does the same on the host. */
import { describeNibbles } from './support/suites/nibbles.js';

describeNibbles({ plane: 'kernel' });
