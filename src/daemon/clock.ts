import type { Now } from '../core/index.js';

export const now = (): Now => ({ unixMs: Date.now(), monotonicMs: performance.now() });
