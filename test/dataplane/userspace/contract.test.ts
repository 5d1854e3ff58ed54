/** On this host; the kernel's plane does the same in the lab. */
import { describeContract } from '../../lab/support/contract.js';
import { needsRoot } from '../../support/skip.js';
import { needsBuild } from '../../support/built.js';

describeContract({ plane: 'userspace', transferBytes: 10_000_000, needs: [needsRoot, needsBuild] });
