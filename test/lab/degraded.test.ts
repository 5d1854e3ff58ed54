import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { NftFilter } from '../../src/dataplane/kernel/nft-filter.js';
import { answersPing, exec, inside, pairTopology, Scope, suiteScope, startDaemon } from './support/index.js';
import { CLIENT_INNER, clientArgs, makeKeys, PORT, SERVER_INNER, serverArgs, stateDir } from './support/tunnel.js';
import { needsMachine } from '../support/skip.js';

/** Left to itself the program would take the other data plane. */
const KERNEL = ['--data-plane', 'kernel'];
const BLOCKS = '/run/modprobe.d/ipipou-ts-lab.conf';

/** Takes modules out of the kernel, for as long as the scope lasts. */
async function withoutModules(
  scope: Scope,
  isMeant: (name: string) => boolean,
  names: readonly string[],
): Promise<void> {
  await exec(['mkdir', '-p', '/run/modprobe.d']);
  writeFileSync(BLOCKS, names.map((name) => `install ${name} /bin/false\n`).join(''));
  scope.defer(() => {
    rmSync(BLOCKS);
    return undefined;
  });
  const loaded = (): string[] =>
    readFileSync('/proc/modules', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[0] ?? '')
      .filter(isMeant);
  // A module goes after those that use it; a namespace that is being taken down lets go a little later.
  for (let left = loaded(), rounds = 0; left.length > 0; left = loaded(), rounds++) {
    assert.ok(rounds < 50, `still loaded: ${left.join(' ')}`);
    for (const name of left) await exec(['rmmod', name], { mayFail: true });
  }
}

const CASES = [
  {
    lack: 'a packet queue',
    isMeant: (name: string) => ['nft_queue', 'nfnetlink_queue'].includes(name),
    names: ['nft_queue', 'nfnetlink_queue'],
    warns: /no packet queue .*answers are not heard/,
    refuses: /no packet queue .*exit code 20/,
  },
  {
    lack: 'nf_tables',
    isMeant: (name: string) => /^nft_|^nf_tables$|^nfnetlink_queue$/.test(name),
    names: ['nf_tables', 'nfnetlink_queue'],
    warns: /no nf_tables .*nothing keeps packets with a forged source out/,
  },
  {
    lack: 'the module for one of the rules',
    isMeant: (name: string) => name.startsWith('nft_fib'),
    names: ['nft_fib_ipv4'],
    warns: /no nft_fib_ipv4 \(modprobe nft_fib_ipv4, or .*nothing keeps packets with a forged source out/,
  },
];

/** Modules that only rules need, each missing alone. */
const OF_RULES = ['nft_fib_ipv4', 'nft_limit', 'nft_queue'];

/** The other end is made by hand: client and server share a kernel here. */
describe('a kernel without', () => {
  for (const { lack, isMeant, names, warns, refuses } of CASES) {
    describe(lack, () => {
      const scope = suiteScope();

      const andServer = refuses === undefined ? '' : ', and refuses a server, saying why';
      it(`still carries a client, also behind one that was killed, with a warning${andServer}`, async function () {
        needsMachine.call(this);
        await withoutModules(scope, isMeant, names);
        const { a: client, b: server } = await pairTopology(scope);
        await exec(['modprobe', '-a', 'fou', 'ipip']);
        await server.ip(
          `fou add port ${PORT} ipproto 4`,
          `link add t0 type ipip local 10.9.3.2 remote 10.9.3.1 encap fou encap-sport ${PORT} encap-dport ${PORT}`,
          `addr add ${SERVER_INNER} peer ${CLIENT_INNER} dev t0`,
          'link set t0 up',
        );
        const keys = makeKeys();
        const args = clientArgs(keys, `10.9.3.2:${PORT}`, ...KERNEL, '--state-dir', stateDir(scope));
        const killed = startDaemon(scope, client, args);
        await killed.waitForLog(/client ready/);
        assert.match(killed.log, warns);
        await killed.kill('SIGKILL');
        const daemon = startDaemon(scope, client, args);
        await daemon.waitForLog(/taken over, bound to[^]*client ready/);
        assert.ok(await answersPing(client, SERVER_INNER));
        assert.ok(await answersPing(server, CLIENT_INNER));

        if (refuses !== undefined) {
          const its = serverArgs(keys, ...KERNEL, '-n', '1', '-b', '@eth', '--state-dir', stateDir(scope));
          const refused = startDaemon(scope, server, its);
          assert.equal((await refused.exit).code, 20, refused.log);
          assert.match(refused.log, refuses);
        }

        assert.equal((await daemon.kill('SIGTERM')).code, 0, daemon.log);
        assert.deepEqual(await client.ipJson('fou show'), []);
      });
    });
  }

  for (const module of OF_RULES) {
    it(`${module} is told so by name when the rules are tried`, async function () {
      needsMachine.call(this);
      const scope = new Scope();
      try {
        const isMeant = (name: string): boolean =>
          module === 'nft_fib_ipv4' ? name.startsWith('nft_fib') : name === module;
        await withoutModules(scope, isMeant, [module]);
        const { a } = await pairTopology(scope);
        const filter = await inside(a, () =>
          NftFilter.open({
            table: 'ipipou-0',
            mark: { number: 0, port: PORT },
            schemes: [{ kind: 'ed25519' }],
            queueNumber: 0,
            announce: () => undefined,
          }),
        );
        scope.defer(() => {
          filter.close();
          return undefined;
        });
        const says = `this kernel has no ${module} (modprobe ${module}, or another kernel)`;
        await assert.rejects(filter.prove(), { name: 'UnsupportedError', part: 'module', message: says });
        assert.equal(await a.nftList(), '');
      } finally {
        await scope.close();
      }
    });
  }
});
