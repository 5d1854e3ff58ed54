import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { before, describe, it } from 'mocha';
import { pairTopology, suiteScope, type Namespace } from './support/index.js';
import { makeKeys, PORT, serverArgs, startServer, stateDir } from './support/tunnel.js';

const DAEMON_CYCLES = fileURLToPath(new URL('support/daemon-cycles.js', import.meta.url));

describe('starting and stopping', () => {
  const scope = suiteScope();
  const STARTS = 3;
  const CYCLES = 200;
  /**
   * Compiled code and what the engine learns of it come to some 4 kB a start, less and less; a socket, a timer or a buffer
   * that is held each time is more than the 14 kB that this leaves.
   */
  const LIVE_SLACK_KB = 2048;
  /** What is not the collector's: native memory, which a start could lose too. */
  const RESIDENT_SLACK_KB = 32 * 1024;
  let ns: Namespace;

  const left = async (): Promise<unknown[]> => [
    ((await ns.ipJson('link show')) as { ifname: string }[]).map(({ ifname }) => ifname),
    await ns.ipJson('fou show'),
    await ns.nftList(),
    (await ns.exec(['cat', '/proc/net/netfilter/nfnetlink_queue'])).stdout,
    (await ns.exec(['ip', 'route', 'show', 'table', 'all'])).stdout,
  ];

  before(async () => {
    ({ a: ns } = await pairTopology(scope));
    // What is looked at can't be asked for without them.
    await ns.exec(['modprobe', '-a', 'fou', 'nfnetlink_queue']);
  });

  it(`${STARTS} times leaves nothing behind`, async () => {
    const keys = makeKeys();
    const state = stateDir(scope);
    let before: unknown[] | undefined;
    for (let count = 0; count < STARTS; count++) {
      const server = await startServer(scope, ns, keys, { state, local: '@eth' });
      assert.equal((await server.kill('SIGTERM')).code, 0, server.log);
      // The first start loads modules.
      before ??= await left();
    }
    assert.deepEqual(await left(), before);
  });

  it(`${CYCLES} times in one process, from the arguments to the signal that ends it, leaks no descriptor and no memory, and leaves nothing behind`, async function () {
    this.timeout(600_000);
    const before = await left();
    // Not at -vvv: spelling every change out takes longer than making it.
    const more = ['--verb', '-1', '-b', '@eth', '--fou-remote', `10.9.3.2:${PORT}`, '--state-dir', stateDir(scope)];
    const args = serverArgs(makeKeys(), ...more);
    const { stdout } = await ns.exec([process.execPath, '--expose-gc', DAEMON_CYCLES, String(CYCLES), ...args]);
    console.log(`        ${stdout}`);
    const [early, late] = JSON.parse(stdout) as { descriptors: number; liveKb: number; residentKb: number }[];
    assert.equal(late!.descriptors, early!.descriptors);
    assert.ok(late!.liveKb <= early!.liveKb + LIVE_SLACK_KB, stdout);
    assert.ok(late!.residentKb <= early!.residentKb + RESIDENT_SLACK_KB, stdout);
    assert.deepEqual(await left(), before);
  });
});
