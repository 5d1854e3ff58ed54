import assert from 'node:assert/strict';
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
