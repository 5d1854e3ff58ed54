/** The packet loop runs as it is shipped: its thread and its packet module come from dist/, built anew where it is stale. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SETUP = fileURLToPath(new URL('../../scripts/setup.mjs', import.meta.url));
const BUILD_MS = 120_000;

/** A hook for `before`. */
export function needsBuild(this: Mocha.Context): void {
  this.timeout(BUILD_MS);
  execFileSync(process.execPath, [SETUP, 'build'], { stdio: 'pipe' });
}
