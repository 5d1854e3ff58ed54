import { describeRandmap } from '../support/suites/randmap.js';

describeRandmap();
