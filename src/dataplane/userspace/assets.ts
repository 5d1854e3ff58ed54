/**
 * Files that the userspace plane loads at run time, wherever this one ended up: in dist/, in one bundle, or run from
 * src/. All of them are made by the build.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { PlaneError } from '../common/errors.js';

const BUILT = join('dist', 'dataplane', 'userspace');

let packets: WebAssembly.Module | undefined;

/** The entry of the packet loop's thread. Throws PlaneError where the program is incomplete. */
export const workerEntry = (): URL => pathToFileURL(find('worker-main.js'));

/** The packet work, compiled once. Throws PlaneError where the program is incomplete. */
export function packetModule(): WebAssembly.Module {
  return (packets ??= new WebAssembly.Module(readFileSync(find('packets.wasm'))));
}

function find(name: string): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const candidates = [join(here, name)];
  for (let folder = here; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) candidates.push(join(folder, BUILT, name));
  }
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined) {
    throw new PlaneError(
      'module',
      `${name} is missing: install the package anew, or run "npm run build" in a checkout`,
    );
  }
  return found;
}
