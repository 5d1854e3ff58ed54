/** The program's beginning: signals may come before the rest is loaded. In dist/ the launcher has seen to them already. */
import './early-signals.js';

void import('./start.js');
