/** On the lab's kernel; the userspace plane does the same on the host. */
import { describeContract } from './support/contract.js';

describeContract({ plane: 'kernel', transferBytes: 2_000_000 });
