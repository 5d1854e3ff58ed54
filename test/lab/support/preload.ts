import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Plain JavaScript, which stays where its source is. */
const FOLDER = join(
  fileURLToPath(import.meta.url).replace(/\/build\/test\/.*$|\/test\/.*$/, ''),
  'test/lab/support/preload',
);

/** Has a daemon load preload/NAME.mjs before its own code. */
export function preload(name: 'broken' | 'crashing-loop' | 'no-koffi' | 'shifted-clock'): NodeJS.ProcessEnv {
  const file = join(FOLDER, `${name}.mjs`);
  return { NODE_OPTIONS: `--import=${file}` };
}
