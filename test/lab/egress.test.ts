import { describeEgress } from './support/suites/egress.js';

describeEgress({ plane: 'kernel' });
