/** The program's beginning. This file is small, and what it imports is too: signals may come before the rest is loaded. */
import './early-signals.js';

void import('./start.js');
