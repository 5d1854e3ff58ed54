import { expression, type Expression } from './expression.js';

/** Keeps connection tracking away from the packet, where it has not seen it yet (priority below -200). */
export const notrack = (): Expression => expression('notrack', []);
