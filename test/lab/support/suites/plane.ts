/** What suites that both data planes have to pass are told, and a tunnel of the one that is meant. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, isObject, SOCKET_NAME } from '../../../../src/control/index.js';
import type { Namespace, Scope } from '../index.js';
import { endpointOf, natTunnel, receivedPackets, stateDir, type NatTunnel } from '../tunnel.js';

export type Plane = 'kernel' | 'userspace';

export interface PlaneSuite {
  readonly plane: Plane;
  /** Hooks: what has to be there, beside a kernel that carries the plane. */
  readonly needs?: readonly ((this: Mocha.Context) => void)[];
}

/** Whole daemons on a busy machine: each step waits for what it brings about. */
export const SUITE_TIMEOUT_MS = 300_000;

/** The thread that carries packets in userspace may be behind what the host itself has answered. */
const BEHIND_MS = 500;

export interface PlaneTunnel {
  readonly tunnel: NatTunnel;
  /** Where the server's tunnel leads, as the kernel shows it, or the server says it where the kernel doesn't know. */
  readonly endpoint: () => Promise<string | undefined>;
  /** How many packets have come out of the server's tunnel since there were `before`. */
  readonly entered: (before: number) => Promise<number>;
}

export async function planeTunnel(scope: Scope, plane: Plane): Promise<PlaneTunnel> {
  const control = stateDir(scope);
  const args = ['--data-plane', plane];
  const tunnel = await natTunnel(scope, { args: [...args, '--control-dir', control] }, { args });
  const { server } = tunnel.net;
  return plane === 'kernel'
    ? {
        tunnel,
        endpoint: () => endpointOf(server),
        entered: async (before) => (await receivedPackets(server)) - before,
      }
    : {
        tunnel,
        endpoint: () => clientOf(control),
        entered: (before) => settledCount(server, before),
      };
}

async function clientOf(control: string): Promise<string | undefined> {
  const asked = await ask(join(control, SOCKET_NAME), 'status');
  assert.ok(asked.kind === 'reply' && asked.reply.ok && isObject(asked.reply.result), JSON.stringify(asked));
  const { client } = asked.reply.result;
  return typeof client === 'string' ? client : undefined;
}

/** The first packets are waited for a little, and whether there are more. */
async function settledCount(server: Namespace, before: number): Promise<number> {
  const deadline = performance.now() + BEHIND_MS;
  while ((await receivedPackets(server)) === before && performance.now() < deadline) await sleep(20);
  await sleep(20);
  return (await receivedPackets(server)) - before;
}
