import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'mocha';
import type { Offloads } from '../../../src/dataplane/userspace/control-block.js';
import { drops, NO_COUNTS } from '../../../src/dataplane/userspace/counters.js';
import { answersPing, Scope, start, type Namespace, type Running } from '../../lab/support/index.js';
import { namespaces, veth } from '../../lab/support/namespace.js';
import { checksumErrors, transfer } from '../../lab/support/transfer.js';
import { needsRoot } from '../../support/skip.js';
import { needsBuild } from '../../support/built.js';
import type { PlaneOrder } from './support/plane-process.js';

const PROGRAM = fileURLToPath(new URL('support/plane-process.ts', import.meta.url));
const TIMEOUT_MS = 120_000;
/** TRANSFER_BYTES=300000000 for the long run. */
const BYTES = Number(process.env['TRANSFER_BYTES'] ?? 4_000_000);

const INNER = { a: '172.28.0.0', b: '172.28.0.1' } as const;
const INNER6 = { a: 'fd00:5::1', b: 'fd00:5::2' } as const;
const OUTER = { a: '10.9.3.1', b: '10.9.3.2' } as const;

function order(own: 'a' | 'b', without: readonly (keyof Offloads)[]): PlaneOrder {
  const other = own === 'a' ? 'b' : 'a';
  return {
    settings: {
      number: 0,
      queueLength: 24,
      outer: { port: 10_000, device: 'eth' },
      schemes: [{ kind: 'ed25519' }],
      kernel: { table: 'ipipou-0', queueNumber: 0 },
      tunnel: {
        peer: 'peer',
        device: 'ipipou0',
        address: INNER[own],
        peerAddress: INNER[other],
        inner6: { address: INNER6[own], peerAddress: INNER6[other] },
        lifetimeSeconds: 0,
      },
      without,
    },
    peer: { address: OUTER[other], port: 10_000 },
  };
}

/** Every one of the sixteen. */
const OFFLOADS = ['tunHeader', 'segmentation', 'coalescing', 'batches'] as const;
const SETS = Array.from({ length: 2 ** OFFLOADS.length }, (_, bits) =>
  OFFLOADS.filter((_offload, bit) => (bits & (1 << bit)) !== 0),
);
/** Odd, so that each set meets another one. */
const APART = 5;

/** a 10.9.3.1 ── eth ── eth ── 10.9.3.2 b */
describe('transfers in userspace, whatever the kernel helps with', function () {
  this.timeout(TIMEOUT_MS);
  const scope = new Scope();
  let a: Namespace;
  let b: Namespace;

  before(needsRoot);
  before(needsBuild);
  before(async () => {
    [a, b] = await namespaces(scope, 'a', 'b');
    await veth({ ns: a, device: 'eth', address: `${OUTER.a}/24` }, { ns: b, device: 'eth', address: `${OUTER.b}/24` });
  });
  after(() => scope.close());

  const startPlane = async (
    local: Scope,
    [ns, own]: readonly [Namespace, 'a' | 'b'],
    without: readonly (keyof Offloads)[],
  ): Promise<Running> => {
    const program = [process.execPath, '--import', 'tsx', PROGRAM, JSON.stringify(order(own, without))];
    const plane = start(local, ns, program);
    await plane.waitForLog(/carrying/);
    return plane;
  };

  // Each set once on either side, with another one on the other: enough to meet every kind of sender and receiver.
  SETS.forEach((without, index) => {
    const others = SETS[(index + APART) % SETS.length] ?? [];
    const name = (set: readonly string[]): string => (set.length === 0 ? 'all' : `no ${set.join(', ')}`);

    it(`arrive bit for bit, no checksum is wrong: ${name(without)} – ${name(others)}`, async () => {
      const local = new Scope();
      try {
        const planes = await Promise.all([startPlane(local, [a, 'a'], without), startPlane(local, [b, 'b'], others)]);
        for (const inner of [INNER, INNER6]) {
          assert.ok(await answersPing(a, inner.b));
          await transfer(local, { ns: a, address: inner.a }, { ns: b, address: inner.b }, BYTES);
          await transfer(local, { ns: b, address: inner.b }, { ns: a, address: inner.a }, BYTES);
        }
        for (const ns of [a, b]) assert.deepEqual(await checksumErrors(ns), {});
        for (const plane of planes) {
          plane.signal('SIGTERM');
          const [, refused = ''] = await plane.waitForLog(/refused (\[.*)/);
          const reasons = (JSON.parse(refused) as [reason: string, count: number][]).map(([reason]) => reason);
          // Which may be: an answer of the kernel's to what the planes sent before the other side was there.
          const isLoss = (reason: string): boolean => reason === drops({ ...NO_COUNTS, noPeer: 1 })[0]?.[0];
          assert.deepEqual(
            reasons.filter((reason) => !isLoss(reason)),
            [],
          );
          assert.deepEqual((await plane.exit).code, 0);
        }
      } finally {
        await local.close();
      }
    });
  });
});
