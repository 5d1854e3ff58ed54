import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { answersPing, pairTopology, suiteScope, waitUntil } from './support/index.js';
import { CLIENT_INNER6, SERVER_INNER6 } from './support/suites/ipv6.js';
import { checksumErrors, transfer } from './support/transfer.js';
import {
  CLIENT_INNER,
  makeKeys,
  natTunnel,
  PORT,
  SERVER_INNER,
  startServer,
  stateDir,
  type NatTunnel,
} from './support/tunnel.js';
import { startDaemon } from './support/daemon.js';
import { exec } from './support/exec.js';

const BYTES = 1_000_000;
const plane = (name: 'kernel' | 'userspace'): { args: string[] } => ({ args: ['--data-plane', name] });

/** Where nothing has asked for it yet, there is not even the file. */
before(() => exec(['modprobe', 'tun']));

for (const [server, client] of [
  ['kernel', 'userspace'],
  ['userspace', 'kernel'],
] as const) {
  /** The topology of `natTunnel`. */
  describe(`a tunnel between a server in the ${server} and a client in the ${client}`, () => {
    const scope = suiteScope();
    let tunnel: NatTunnel;

    before(async () => {
      tunnel = await natTunnel(
        scope,
        { args: [...plane(server).args, '--tunl-ip6', SERVER_INNER6] },
        { args: [...plane(client).args, '--tunl-ip6', CLIENT_INNER6] },
      );
    });

    const works = async (): Promise<void> => {
      assert.ok(await answersPing(tunnel.net.client, SERVER_INNER));
      assert.ok(await answersPing(tunnel.net.server, CLIENT_INNER));
    };

    it('carries packets both ways, fragments of long ones too', async () => {
      await works();
      assert.ok(await answersPing(tunnel.net.client, SERVER_INNER, 60, ['-s', '4000']));
      assert.ok(await answersPing(tunnel.net.server, CLIENT_INNER, 60, ['-s', '4000']));
    });

    it('carries TCP both ways bit for bit, and nobody sees a wrong checksum', async () => {
      const ends = [
        { ns: tunnel.net.server, address: SERVER_INNER },
        { ns: tunnel.net.client, address: CLIENT_INNER },
      ] as const;
      await transfer(scope, ends[0], ends[1], BYTES);
      await transfer(scope, ends[1], ends[0], BYTES);
      for (const { ns } of ends) assert.deepEqual(await checksumErrors(ns), {});
    });

    it('carries IPv6 both ways, and nobody sees a wrong checksum', async () => {
      const ends = [
        { ns: tunnel.net.server, address: SERVER_INNER6 },
        { ns: tunnel.net.client, address: CLIENT_INNER6 },
      ] as const;
      assert.ok(await answersPing(tunnel.net.client, SERVER_INNER6, 60, ['-s', '4000']));
      assert.ok(await answersPing(tunnel.net.server, CLIENT_INNER6, 60, ['-s', '4000']));
      await transfer(scope, ends[0], ends[1], BYTES);
      await transfer(scope, ends[1], ends[0], BYTES);
      for (const { ns } of ends) assert.deepEqual(await checksumErrors(ns), {});
    });

    it('follows the client to another port of its router', async () => {
      await tunnel.moveTo(40_001);
      await works();
    });

    it('is taken away on both sides', async () => {
      for (const daemon of [tunnel.server, tunnel.client]) {
        assert.deepEqual(await daemon.kill(), { code: 0, signal: null });
      }
      for (const ns of [tunnel.net.server, tunnel.net.client]) {
        const links = (await ns.ipJson('link show')) as { ifname: string }[];
        assert.deepEqual(
          links.filter(({ ifname }) => ifname.startsWith('ipipou')),
          [],
        );
      }
    });
  });
}

/** `a` 10.9.3.1 and `b` 10.9.3.2 on one cable; `a` runs the server, `b` has a tunnel made by hand. */
describe('a server in userspace and a tunnel that iproute2 made', () => {
  const scope = suiteScope();

  it('understand each other, ping and TCP', async () => {
    const { a, b } = await pairTopology(scope);
    const remote = ['-r', `10.9.3.2:${PORT}`];
    await startServer(scope, a, makeKeys(), { local: '@eth', args: ['--data-plane', 'userspace', ...remote] });
    await b.ip(
      `fou add port ${PORT} ipproto 4`,
      `link add t0 type ipip local 10.9.3.2 remote 10.9.3.1 encap fou encap-sport ${PORT} encap-dport ${PORT}`,
      `address add ${CLIENT_INNER} peer ${SERVER_INNER} dev t0`,
      'link set t0 up mtu 1472',
    );
    assert.ok(await answersPing(b, SERVER_INNER));
    const ends = [
      { ns: a, address: SERVER_INNER },
      { ns: b, address: CLIENT_INNER },
    ] as const;
    await transfer(scope, ends[0], ends[1], BYTES);
    await transfer(scope, ends[1], ends[0], BYTES);
    for (const { ns } of ends) assert.deepEqual(await checksumErrors(ns), {});
  });
});

/** One host, one plane after the other. */
describe('what a killed server in the kernel left', () => {
  const scope = suiteScope();

  it('makes way for a server in userspace, which keeps the client bound', async () => {
    const { a } = await pairTopology(scope);
    const [keys, state] = [makeKeys(), stateDir(scope)];
    const args = ['-r', `10.9.3.2:${PORT}`];
    const first = await startServer(scope, a, keys, {
      state,
      local: '@eth',
      args: ['--data-plane', 'kernel', ...args],
    });
    const second = startDaemon(scope, a, [
      '-s',
      '--auth-remote-pubkey-b64',
      keys.publicB64,
      '-b',
      '@eth',
      '--state-dir',
      state,
      '--data-plane',
      'userspace',
    ]);
    assert.notEqual((await second.exit).code, 0);
    assert.match(second.log, /tunnel 0 is run by .* here already/);
    await first.kill('SIGKILL');
    const third = await startServer(scope, a, keys, { state, local: '@eth', args: ['--data-plane', 'userspace'] });
    assert.match(third.log, /taken over, bound to 10\.9\.3\.2:10000/);
    await waitUntil(
      async () => ((await a.ipJson('link show ipipou0')) as { link_type: string }[])[0]?.link_type === 'none',
      {
        what: 'a TUN device',
      },
    );
    assert.deepEqual(await a.ipJson('link show type dummy'), []);
    assert.doesNotMatch(await a.nftList(), /ipipou/);
    assert.equal((await third.kill()).code, 0);
    const last = await startServer(scope, a, keys, { state, local: '@eth', args: ['--data-plane', 'kernel'] });
    assert.equal((await last.kill()).code, 0);
  });
});
