import { fileURLToPath } from 'node:url';

/** Has a daemon load preload/NAME.mjs before its own code. This file runs as build/test/lab/support/preload.js. */
export function preload(name: 'broken' | 'shifted-clock'): NodeJS.ProcessEnv {
  const file = fileURLToPath(new URL(`../../../../test/lab/support/preload/${name}.mjs`, import.meta.url));
  return { NODE_OPTIONS: `--import=${file}` };
}
