/** What `randmap` does between hosts in the lab, on this host's kernel. */
import { describeRandmap } from '../../lab/support/suites/randmap.js';
import { needsBuild } from '../../support/built.js';
import { needsRoot } from '../../support/skip.js';

describeRandmap([needsRoot, needsBuild]);
