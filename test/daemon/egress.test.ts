/** Egress as a running server has it, in the kernel and by its control socket; `tun0` is a veth. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerConfig } from '../../src/config/index.js';
import { ask, ControlServer } from '../../src/control/index.js';
import { egressCommands } from '../../src/daemon/egress-commands.js';
import { Egress } from '../../src/daemon/egress.js';
import { EgressTable } from '../../src/egress/nftables/table.js';
import type { EgressReport } from '../../src/egress/report.js';
import { ALL_USABLE } from '../../src/egress/usable.js';
import { createLogger } from '../../src/log/index.js';
import { policy } from '../egress/make.js';
import { EgressWorld, sourcesOf } from '../egress/nftables/world.js';
import { removeGuard, shownGuard } from '../support/guard.js';
import { describeInNamespace } from '../support/namespace.js';

const TIMEOUT_MS = 60_000;
const DEVICE = 'tun0';
const TABLE = { name: 'ipipou-0-egress', comment: 'ipipou-ts egress of tunnel 0' };

/** Echoes on port 7000 until it is killed. */
const ECHO = `
import socket, threading
listener = socket.create_server(('10.9.0.2', 7000), backlog=200)
def serve(one):
    while True:
        try: data = one.recv(4096)
        except OSError: return
        if not data: return
        one.sendall(data)
print('up', flush=True)
while True:
    one, _ = listener.accept()
    threading.Thread(target=serve, args=(one,), daemon=True).start()
`;
/**
 * Holds connections open; for each line on stdin sends a word over every one, and a new one besides. Prints how many
 * of the old ones gave it back, and from how many addresses they are.
 */
const CONNECTIONS = `
import socket, sys
count = int(sys.argv[1])
def connect():
    one = socket.create_connection(('10.9.0.2', 7000), 10)
    one.settimeout(5)
    return one
held = [connect() for _ in range(count)]
print('up', flush=True)
for line in sys.stdin:
    word = line.encode()
    alive = 0
    connect().sendall(word)
    for one in held:
        try:
            one.sendall(word)
            if one.recv(4096) == word: alive += 1
        except OSError: pass
    print(alive, flush=True)
`;

interface Told {
  say(word: string): Promise<string>;
  end(): Promise<void>;
}

describeInNamespace('the egress of a running server', (server) => {
  let net: EgressWorld;
  let egress: Egress | undefined;
  let control: ControlServer | undefined;
  let folder: string;
  let lines: string[];
  const running: Told[] = [];

  before(() => {
    net = new EgressWorld(server());
    folder = mkdtempSync(join(tmpdir(), 'egress-'));
  });
  after(() => {
    net.remove();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(function () {
    this.currentTest?.timeout(TIMEOUT_MS);
    lines = [];
    server().run('conntrack', '-F');
  });
  afterEach(async () => {
    for (const one of running.splice(0)) await one.end();
    await control?.close();
    await egress?.stop();
    [control, egress] = [undefined, undefined];
  });

  const start = (...texts: string[]): Promise<Egress> => startAnnouncing(undefined, ...texts);
  const startAnnouncing = async (announce: string | undefined, ...texts: string[]): Promise<Egress> => {
    const started = await startWith({ policies: texts.map((text) => policy(text)), forward: false, announce });
    egress = started ?? assert.fail('no egress');
    control = await ControlServer.open(
      join(folder, 'control.sock'),
      egressCommands(() => egress),
    );
    return egress;
  };
  const startWith = async (wish: ServerConfig['egress']): Promise<Egress | undefined> => {
    const config = {
      number: 0,
      tunlDev: DEVICE,
      tunlPeerIp: '172.28.0.1',
      inner6: undefined,
      routes: [],
      nftTable: 'ipipou-0',
      egress: wish,
    } as unknown as ServerConfig;
    const edge = {
      write: (line: string) => lines.push(line),
      now: () => new Date(0),
      monotonicMs: () => performance.now(),
      pid: 1,
    };
    const log = createLogger({ verbosity: 3, showTime: false, showPid: false }, edge);
    return await server().inside(() => Egress.start(config, log, () => Promise.resolve()));
  };
  const guard = (): string[] => shownGuard(server(), DEVICE);
  const tell = async (command: string, fields = {}): Promise<EgressReport> => {
    const asked = await ask(join(folder, 'control.sock'), command, fields);
    assert.ok(asked.kind === 'reply' && asked.reply.ok, JSON.stringify(asked));
    return asked.reply.result as EgressReport;
  };
  const holds = (report: EgressReport): string => report.policies[0]?.holds?.[0] ?? 'none';
  const seen = async (count = 5): Promise<string[]> => [...new Set(sourcesOf(await net.flows('10.9.0.2', count)))];
  const waitFor = async (what: string, holdsTrue: () => boolean | Promise<boolean>): Promise<void> => {
    const deadline = performance.now() + TIMEOUT_MS / 2;
    while (!(await holdsTrue())) {
      assert.ok(performance.now() < deadline, `waited in vain for ${what}: ${lines.join('')}`);
      await sleep(20);
    }
  };
  /** A program that says `up` and then answers line by line. */
  const startPython = async (namespace: string, code: string, ...args: string[]): Promise<Told> => {
    const child = spawn('ip', ['netns', 'exec', namespace, 'python3', '-u', '-c', code, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const closed = once(child, 'close');
    const out = createInterface(child.stdout)[Symbol.asyncIterator]();
    const next = async (): Promise<string> => {
      const { value } = (await out.next()) as { value?: string };
      return value ?? assert.fail('the program ended');
    };
    const told: Told = {
      say: async (word) => {
        child.stdin.write(`${word}\n`);
        return await next();
      },
      end: async () => {
        child.kill('SIGKILL');
        await closed;
      },
    };
    running.push(told);
    assert.equal(await next(), 'up');
    return told;
  };

  it('says what it changes as the commands that would do it, as far as there are any', async () => {
    const running = await start('rotate addresses=198.51.100.0/24 per=tunnel');
    await tell('egress-rotate');
    const shut = guard();
    await running.stop();
    egress = undefined;
    const said = lines.map((line) => line.replace(/^ *DEBUG |\n$/g, ''));
    const commands = said.filter((line) => /^(ip|nft|tc) /.test(line));
    const [adds, deletes] = ['add', 'delete'].map((verb) =>
      commands.filter((line) => /^(ip|tc) /.test(line) && line.includes(` ${verb} `)),
    ) as [string[], string[]];
    for (const line of adds) server().run('sh', '-ec', line);
    assert.deepEqual(guard(), shut, said.join('\n'));
    for (const line of deletes) server().run('sh', '-ec', line);
    assert.deepEqual(guard(), [], said.join('\n'));
    const held = `inet ipipou-0-egress held-ipv4 { ${DEVICE} . 0x00000000`;
    assert.ok(commands.includes(`nft delete element ${held} }`), said.join('\n'));
    assert.ok(
      commands.some((line) => line.startsWith(`nft add element ${held} : 198.51.100.`)),
      said.join('\n'),
    );
    assert.ok(said.some((line) => line.startsWith('nftables table inet ipipou-0-egress put in place')));
    assert.ok(commands.includes('nft add table inet ipipou-0-egress; delete table inet ipipou-0-egress'));
  });

  it('is shown, and drawn anew when somebody says so', async () => {
    await start('rotate addresses=198.51.100.0/24 per=tunnel');
    const before = holds(await tell('egress-show'));
    assert.deepEqual(await seen(), [before]);
    const after = holds(await tell('egress-rotate'));
    assert.notEqual(after, before);
    assert.deepEqual(await seen(), [after]);
  });

  it('moves off an address that is banned, and back only when the ban has ended by itself', async () => {
    await start('rotate addresses=198.51.100.6/31 per=tunnel');
    const first = holds(await tell('egress-show'));
    const second = holds(await tell('egress-ban', { address: first }));
    assert.notEqual(second, first);
    assert.deepEqual(await seen(), [second]);
    assert.equal(holds(await tell('egress-rotate')), second, 'there is no other');
    const none = await tell('egress-ban', { address: second, forMs: 1500 });
    assert.deepEqual([holds(none), none.policies[0]?.available], ['none', '0']);
    assert.deepEqual(await seen(), []);
    await waitFor('the end of the ban', async () => holds(await tell('egress-show')) === second);
    assert.deepEqual(await seen(), [second]);
    assert.equal(holds(await tell('egress-unban', { address: first })), second, 'what it holds it keeps');
  });

  it('does not draw a banned address for connections, also after somebody has flushed the ruleset', async () => {
    await start('rotate addresses=198.51.100.0/30 edges=yes');
    await tell('egress-ban', { address: '198.51.100.1' });
    const { bans } = await tell('egress-ban', { address: '198.51.100.2' });
    assert.equal(bans.length, 2);
    const allowed = ['198.51.100.0', '198.51.100.3'];
    assert.deepEqual((await seen(60)).sort(), allowed);
    server().run('nft', 'flush', 'ruleset');
    await waitFor('the repair', () => lines.some((line) => line.includes('is gone: repaired')));
    assert.deepEqual((await seen(60)).sort(), allowed);
  });

  it('puts back what shuts the tunnel without it, when somebody removes that', async () => {
    await start('masquerade');
    const before = guard();
    assert.notDeepEqual(before, []);
    // As systemd-networkd does with rules at each of its starts.
    removeGuard(server(), DEVICE);
    await waitFor('the repair', () => guard().join() === before.join());
    assert.ok(lines.some((line) => line.includes('what shuts the tunnel without its egress was gone: repaired')));
  });

  it('puts it back at once also while somebody flushes the rules so often that they wait', async () => {
    await start('masquerade');
    const before = guard();
    for (let flush = 0; flush < 7; flush += 1) {
      lines = [];
      server().run('nft', 'flush', 'ruleset');
      await waitFor('the repair', () => lines.some((line) => line.includes('egress is gone: repaired')));
    }
    server().run('nft', 'flush', 'ruleset');
    removeGuard(server(), DEVICE);
    await waitFor('the guard', () => guard().join() === before.join());
    assert.doesNotMatch(server().run('nft', 'list', 'tables'), /egress$/m, 'the rules wait');
  });

  it('keeps what is established through rotations, unless it is told to end that', async () => {
    await start('rotate addresses=198.51.100.0/24 per=tunnel');
    await startPython(net.world.name, ECHO);
    const held = await startPython(net.inner.name, CONNECTIONS, '5');
    await tell('egress-rotate');
    const { policies } = await tell('egress-rotate');
    assert.equal(await held.say('a'), '5');
    const banned = policies[0]?.holds?.[0];
    await tell('egress-ban', { address: banned });
    assert.equal(await held.say('b'), '5');
    const other = await startPython(net.inner.name, CONNECTIONS, '5');
    await tell('egress-rotate', { dropEstablished: true });
    assert.equal(await other.say('c'), '0');
    assert.equal(await held.say('c'), '5', 'those of other addresses go on');
    assert.ok(
      lines.some((line) => /connections from the old address dropped: \d+/.test(line)),
      lines.join(''),
    );
  });

  it('ends what is established at every draw where the policy says so', async () => {
    await start('rotate addresses=198.51.100.0/24 per=tunnel established=drop');
    await startPython(net.world.name, ECHO);
    const held = await startPython(net.inner.name, CONNECTIONS, '3');
    assert.equal(await held.say('a'), '3');
    await tell('egress-rotate');
    assert.equal(await held.say('b'), '0');
  });

  it('breaks no connection while it rotates every 100 ms under load', async () => {
    await start('rotate addresses=198.51.100.0/24,2001:db8::/64 per=tunnel every=100ms');
    await startPython(net.world.name, ECHO);
    const held = await startPython(net.inner.name, CONNECTIONS, '50');
    const addresses = new Set<string>();
    await waitFor('thirty addresses', async () => {
      assert.equal(await held.say('word'), '50');
      addresses.add(holds(await tell('egress-show')));
      return addresses.size >= 30;
    });
  });

  it('breaks no connection while it rotates every 100 ms and somebody flushes the ruleset', async () => {
    await start('rotate addresses=198.51.100.0/24 per=tunnel every=100ms');
    await startPython(net.world.name, ECHO);
    const held = await startPython(net.inner.name, CONNECTIONS, '20');
    for (let round = 0; round < 3; round += 1) {
      lines = [];
      server().run('nft', 'flush', 'ruleset');
      await waitFor('the repair', () => lines.some((line) => line.includes('repaired')));
      assert.equal(await held.say('word'), '20');
    }
  });

  it("leaves out the server's own addresses, says so, and follows them", async () => {
    const running = await start('rotate addresses=10.9.0.1,198.51.100.0/31');
    const said = (words: string): boolean => lines.some((line) => line.includes(words));
    assert.ok(said("egress: not drawn, being this server's own: 10.9.0.1\n"), lines.join(''));
    const own = (): readonly string[] => running.report().own;
    assert.deepEqual(own(), ['10.9.0.1']);
    server().run('ip', 'addr', 'add', '198.51.100.0/32', 'dev', 'eth0');
    try {
      await waitFor('another one', () => said("drawn no more, being this server's own now: 198.51.100.0\n"));
      assert.deepEqual(await seen(60), ['198.51.100.1']);
    } finally {
      server().run('ip', 'addr', 'del', '198.51.100.0/32', 'dev', 'eth0');
    }
    await waitFor('one less', () => said("drawn again, being this server's own no more: 198.51.100.0\n"));
  });

  it("refuses to start where a pool is all the server's own, but draws it where it is told to", async () => {
    await assert.rejects(
      start('rotate addresses=10.9.0.1,fd09::1'),
      /^DaemonError: egress: policy 1 has no address: its pool is all this server's own \(10\.9\.0\.1, fd09::1\); masquerade leaves/,
    );
    await start('rotate addresses=10.9.0.1 own=yes');
    assert.deepEqual(await seen(), ['10.9.0.1']);
  });

  const ON_LINK = 'rotate addresses=10.9.0.64/26,fd09::1:0/112 exclude=10.9.0.65';

  it('answers on the link for a pool that nobody routes, goes on doing so, and stops with the server', async () => {
    await startAnnouncing('eth0', ON_LINK);
    assert.ok(
      lines.some((line) => line.includes('egress: announced on eth0: 10.9.0.66-10.9.0.126, fd09::1:0/112')),
      lines.join(''),
    );
    await startPython(net.world.name, ECHO);
    const held = await startPython(net.inner.name, CONNECTIONS, '5');
    assert.equal(await held.say('a'), '5');
    lines = [];
    server().run('nft', 'flush', 'ruleset');
    await waitFor('the repair', () =>
      lines.some((line) => line.includes('netdev ipipou-0-announce is gone: repaired')),
    );
    await waitFor('the repair', () => lines.some((line) => line.includes('inet ipipou-0-egress is gone: repaired')));
    net.world.run('ip', 'neigh', 'flush', 'dev', 'eth');
    assert.equal(await held.say('b'), '5');
    await egress?.stop();
    egress = undefined;
    assert.doesNotMatch(server().run('nft', 'list', 'ruleset'), /announce/);
  });

  it('announces the hardware address that the device has now', async () => {
    const before = server().run('cat', '/sys/class/net/eth0/address').trim();
    await startAnnouncing('eth0', ON_LINK);
    lines = [];
    server().run('ip', 'link', 'set', 'eth0', 'address', '02:00:00:00:00:77');
    try {
      await waitFor('the new address', () => lines.some((line) => line.includes('repaired')));
      assert.match(
        server().run('nft', 'list', 'table', 'netdev', 'ipipou-0-announce'),
        /02:00:00:00:00:77|0x20000000077/,
      );
    } finally {
      server().run('ip', 'link', 'set', 'eth0', 'address', before);
    }
  });

  it('announces neither its own addresses nor its gateway', async () => {
    server().run('ip', 'route', 'add', '203.0.113.0/24', 'via', '10.9.0.2');
    try {
      await startAnnouncing('eth0', 'rotate addresses=10.9.0.0/29');
      const said = lines.find((line) => line.includes('announced on eth0'));
      assert.match(said ?? '', /: 10\.9\.0\.3-10\.9\.0\.6, without the gateway 10\.9\.0\.2$/m);
    } finally {
      server().run('ip', 'route', 'del', '203.0.113.0/24');
    }
  });

  it('does not start without the device it is to announce on, and leaves nothing behind', async () => {
    await assert.rejects(
      startAnnouncing('nosuch', ON_LINK),
      /^DaemonError: egress: there is no Ethernet device nosuch to announce the pools on \(--egress-announce\)$/,
    );
    assert.doesNotMatch(server().run('nft', 'list', 'ruleset'), /ipipou/);
    assert.doesNotMatch(server().run('ip', 'rule'), /tun0/);
  });

  for (const [title, lose] of [
    ['', () => undefined],
    [', also where somebody has flushed the ruleset before', () => server().run('nft', 'flush', 'ruleset')],
  ] as const) {
    it(`leaves nothing of an earlier run to a start without it${title}`, async () => {
      // As a run leaves it that is killed.
      const killed = server().inside(() => EgressTable.open(TABLE));
      const tunnel = { device: DEVICE, policies: [policy('masquerade')], inner: {} };
      await killed.install({ tunnels: [tunnel], held: [], unusable: ALL_USABLE });
      killed.close();
      assert.notDeepEqual(guard(), []);
      lose();
      assert.equal(await startWith(undefined), undefined);
      assert.deepEqual(guard(), []);
      assert.equal(server().run('nft', 'list', 'ruleset').trim(), '');
    });
  }
});
