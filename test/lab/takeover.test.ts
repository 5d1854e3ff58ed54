import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { before, describe, it } from 'mocha';
import { answersPing, pairTopology, Scope, suiteScope, udpSocket, type Namespace } from './support/index.js';
import { ipipou, startDaemon } from './support/daemon.js';
import { start, type Running } from './support/running.js';
import {
  CLIENT_INNER,
  makeKeys,
  PORT,
  SERVER_INNER,
  serverArgs,
  startClient,
  startServer,
  stateDir,
  type Keys,
} from './support/tunnel.js';

const SERVER = `10.9.3.2:${PORT}`;
const DAEMON_CYCLES = fileURLToPath(new URL('support/daemon-cycles.js', import.meta.url));

/** What a crashed run leaves, and how each part of it goes away. */
const PARTS = {
  table: 'nft flush ruleset',
  listener: `ip fou del port ${PORT}`,
  'internal device': 'ip link del ipipou0in',
  link: 'ip link del ipipou0',
} as const;
type Part = keyof typeof PARTS;
const ALL = Object.keys(PARTS) as Part[];

describe('a start after a crash', () => {
  const scope = suiteScope();
  let a: Namespace;
  let b: Namespace;
  let keys: Keys;
  let state: string;
  let server: Running;
  let client: Running;

  const serve = (args: readonly string[] = [], local = '@eth'): Promise<Running> =>
    startServer(scope, b, keys, { state, local, args });
  const names = async (): Promise<string[]> =>
    ((await b.ipJson('link show')) as { ifname: string }[])
      .map(({ ifname }) => ifname)
      .filter((name) => name.startsWith('ipipou'));

  /** Kills the server, runs the commands, starts it again, and has the client prove itself once more. */
  async function crash(commands: readonly string[], args: readonly string[] = []): Promise<void> {
    await server.kill('SIGKILL');
    for (const command of commands) await b.exec(command.split(' '));
    const since = client.mark();
    server = await serve(args);
    client.signal('SIGUSR1');
    await client.waitForLog(/the server answered/, { since });
    assert.ok(await answersPing(a, SERVER_INNER));
    assert.ok(await answersPing(b, CLIENT_INNER));
    assert.deepEqual((await names()).sort(), ['ipipou0', 'ipipou0in']);
  }

  before(async () => {
    ({ a, b } = await pairTopology(scope));
    keys = makeKeys();
    state = stateDir(scope);
    server = await serve();
    client = await startClient(scope, a, keys, SERVER);
  });

  for (const part of ALL) {
    it(`takes over what is left without the ${part}`, () => crash([PARTS[part]]));
    // Nothing tells whose a listener alone is: see below.
    if (part === 'listener') continue;
    it(`takes over the ${part} alone`, () => crash(ALL.filter((other) => other !== part).map((other) => PARTS[other])));
  }

  it('takes over a link that has no mark yet, and an internal device that has neither mark nor address', () =>
    crash([
      'ip link del ipipou0in',
      'ip link add ipipou0in type dummy',
      'ip link del ipipou0',
      `ip link add ipipou0 type ipip local 172.29.0.0 remote 10.9.3.1 encap fou encap-sport ${PORT} encap-dport ${PORT}`,
    ]));

  it('brings the addresses of the tunnel up to date', async () => {
    await server.kill('SIGKILL');
    server = await serve(['--tunl-ip', '172.28.7.0']);
    const [link] = (await b.ipJson('addr show ipipou0')) as { addr_info: { local: string; address: string }[] }[];
    assert.deepEqual(
      link?.addr_info.filter(({ local }) => local.includes('.')).map(({ local, address }) => `${local} ${address}`),
      ['172.28.7.0 172.28.7.1'],
    );
  });

  it('gives up the port, the table and the link name of the run before', async () => {
    await server.kill('SIGKILL');
    server = await serve(['--nft-table', 'another', '--tunl-dev', 'ipipou-x'], ':10007@eth');
    assert.deepEqual(
      ((await b.ipJson('fou show')) as { port: number }[]).map(({ port }) => port),
      [10_007],
    );
    assert.deepEqual((await b.nftList('tables')).trim().split('\n'), ['table ip another']);
    assert.ok(!(await names()).includes('ipipou0'));
    assert.equal((await server.kill('SIGTERM')).code, 0, server.log);
    assert.deepEqual(await names(), []);
  });

  it('finds the tunnel of a killed client working, and takes it over', async () => {
    server = await serve();
    const since = client.mark();
    client.signal('SIGUSR1');
    await client.waitForLog(/the server answered/, { since });
    await client.kill('SIGKILL');
    assert.ok(await answersPing(b, CLIENT_INNER));
    client = await startClient(scope, a, keys, SERVER);
    assert.match(client.log, /ipipou0: taken over, bound to 10\.9\.3\.2:10000/);
    assert.ok(await answersPing(b, CLIENT_INNER));
  });
});

describe('what something else has taken', () => {
  const scope = suiteScope();
  let ns: Namespace;
  let args: string[];

  before(async () => {
    ns = (await pairTopology(scope)).a;
    args = serverArgs(makeKeys(), '--state-dir', stateDir(scope), '-b', '@eth');
  });

  async function refused(says: RegExp, code: number): Promise<void> {
    const daemon = startDaemon(scope, ns, args);
    assert.equal((await daemon.exit).code, code, daemon.log);
    assert.match(daemon.log, says);
    assert.equal((await ns.exec(['ip', 'link', 'show', 'ipipou0in'], { mayFail: true })).code, 1);
  }

  it('is named: a UDP port, with the program that has it', async () => {
    const taken = new Scope();
    udpSocket(taken, ns, '127.0.0.1', PORT);
    await refused(new RegExp(`UDP port ${PORT} is in use by .*process ${process.pid}:`), 53);
    await taken.close();
  });

  for (const { what, take, give, says, code } of [
    {
      what: 'a table',
      take: 'nft add table ip TABLE',
      give: 'nft delete table ip TABLE',
      says: /the nftables table ip \S+ is there already and not ours/,
      code: 40,
    },
    {
      what: 'the tunnel device',
      take: 'ip link add ipipou0 type dummy',
      give: 'ip link del ipipou0',
      says: /the device ipipou0 is there already and not ours/,
      code: 52,
    },
    {
      what: 'a FOU listener of another kind',
      take: `ip fou add port ${PORT} ipproto 47`,
      give: `ip fou del port ${PORT}`,
      says: /UDP port 10000 has a FOU listener that is not ours/,
      code: 53,
    },
    {
      what: 'a FOU listener like ours that nothing marks',
      take: `ip fou add port ${PORT} ipproto 4`,
      give: `ip fou del port ${PORT}`,
      says: /FOU listener that is not ours: nothing marks it as ours; remove it .*\(ip fou del port 10000\)/,
      code: 53,
    },
  ]) {
    it(`is named and left alone: ${what}`, async () => {
      const table = 'ipipou-0';
      await ns.exec(take.replace('TABLE', table).split(' '));
      await refused(says, code);
      await ns.exec(give.replace('TABLE', table).split(' '));
    });
  }

  it('is named and left alone: a FOU listener that a link of somebody else uses', async () => {
    await ns.ip(
      `fou add port ${PORT} ipproto 4`,
      `link add mine type ipip local 10.9.3.1 remote 10.9.3.2 encap fou encap-sport ${PORT} encap-dport 1`,
    );
    await refused(/UDP port 10000 has a FOU listener that is not ours: it belongs to the device mine/, 53);
    await ns.ip('link del mine', `fou del port ${PORT}`);
  });

  it('is named: the right that the process lacks', async () => {
    const argv = ['setpriv', '--bounding-set=-net_raw', ...ipipou([...args, '--data-plane', 'kernel'])];
    const daemon = start(scope, ns, argv);
    assert.equal((await daemon.exit).code, 1, daemon.log);
    assert.match(daemon.log, /this process lacks CAP_NET_RAW: run it as root/);
  });
});

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
