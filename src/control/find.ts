/** The daemons of this host, by their control sockets. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ask, type ControlFault } from './client.js';
import { SOCKET_NAME } from './constants.js';
import { isObject } from './protocol.js';

/** A daemon that answered. */
export interface FoundDaemon {
  /** Of its folder. */
  readonly name: string;
  readonly path: string;
  /** Its tunnel device; undefined where it doesn't say. */
  readonly device: string | undefined;
  /** Whether it looks after what leaves the tunnel. */
  readonly hasEgress: boolean;
}

export interface Found {
  readonly daemons: readonly FoundDaemon[];
  /** Sockets behind which somebody may be, but that gave no answer. */
  readonly silent: readonly { readonly name: string; readonly fault: ControlFault }[];
}

/** Asks all that have a folder in `root`. Folders whose daemon is gone are passed over. */
export async function findDaemons(root: string): Promise<Found> {
  const names = await readdir(root).catch((): string[] => []);
  const daemons: FoundDaemon[] = [];
  const silent: { name: string; fault: ControlFault }[] = [];
  await Promise.all(
    names.sort().map(async (name) => {
      const path = join(root, name, SOCKET_NAME);
      const asked = await ask(path, 'status');
      if (asked.kind === 'reply') daemons.push(describe(name, path, asked.reply.ok ? asked.reply.result : undefined));
      else if (asked.fault !== 'absent') silent.push({ name, fault: asked.fault });
    }),
  );
  const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
  return { daemons: daemons.sort(byName), silent: silent.sort(byName) };
}

function describe(name: string, path: string, status: unknown): FoundDaemon {
  const { device, egress } = isObject(status) ? status : {};
  return { name, path, device: typeof device === 'string' ? device : undefined, hasEgress: egress === true };
}
