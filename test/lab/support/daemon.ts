import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Namespace } from './namespace.js';
import { start } from './running.js';
import type { Running } from './running.js';
import type { Scope } from './scope.js';

/** The command as it is shipped, whether this file runs from its source or from build/. */
const MAIN = join(checkout(), 'dist', 'cli', 'launch.js');

function checkout(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (let folder = here; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'package-lock.json'))) return folder;
  }
  throw new Error(`${here} is not in a checkout`);
}

/** The argv of `ipipou-ts ARGS`, for `ns.exec` and the like. */
export const ipipou = (args: readonly string[]): string[] => [process.execPath, MAIN, ...args];

/** Starts `ipipou-ts ARGS` in the namespace. */
export function startDaemon(scope: Scope, ns: Namespace, args: readonly string[], env?: NodeJS.ProcessEnv): Running {
  return start(scope, ns, ipipou(args), env);
}
