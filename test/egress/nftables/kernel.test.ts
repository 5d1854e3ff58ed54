/** Policies in the kernel, judged by the addresses that a far host sees. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { NftablesClient } from '../../../src/netlink/nftables/index.js';
import { EgressTable, ForeignTableError } from '../../../src/egress/nftables/table.js';
import type { EgressSettings, HeldAddress } from '../../../src/egress/nftables/ruleset.js';
import type { IpAddress } from '../../../src/egress/address.js';
import { describeInNamespace, type TestNamespace } from '../../support/namespace.js';
import { assertUniform } from '../chi-squared.js';
import { poolHas } from '../../../src/egress/pool.js';
import { ALL_USABLE } from '../../../src/egress/usable.js';
import { address, policy } from '../make.js';
import { EgressWorld, seen, SEND, sourcesOf } from './world.js';

const COMMENT = 'ipipou-ts egress of a test';
const EGRESS_TIMEOUT_MS = 60_000;

/** One datagram from port 6000. */
const FIXED_PORT = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[3] if len(sys.argv) > 3 else '', 6000))
s.sendto(b'x', (sys.argv[1], int(sys.argv[2])))
`;
/** Routes multicast of 172.28.0.1 to 239.1.1.1 from one device to another; linux/mroute.h. Ends with its stdin. */
const MULTICAST_ROUTER = `
import socket, struct, sys
MRT_INIT, MRT_ADD_VIF, MRT_ADD_MFC, VIFF_USE_IFINDEX = 200, 202, 204, 8
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
s.setsockopt(socket.IPPROTO_IP, MRT_INIT, struct.pack('i', 1))
for number, device in enumerate(sys.argv[1:3]):
    vif = struct.pack('=HBBIi4x', number, VIFF_USE_IFINDEX, 0, 0, socket.if_nametoindex(device))
    s.setsockopt(socket.IPPROTO_IP, MRT_ADD_VIF, vif)
ends = socket.inet_aton('172.28.0.1') + socket.inet_aton('239.1.1.1')
s.setsockopt(socket.IPPROTO_IP, MRT_ADD_MFC, ends + struct.pack('=H', 0) + bytes([0, 1]) + bytes(48))
print('up', flush=True)
sys.stdin.read()
`;
const macOf = (namespace: TestNamespace, device: string): string =>
  namespace.run('cat', `/sys/class/net/${device}/address`).trim();
const lastByte = (text: string, shift = 0n): number => Number((address(text).value >> shift) & 0xffn);

describeInNamespace('policies in the kernel', (server) => {
  let inner: TestNamespace;
  let world: TestNamespace;
  let net: EgressWorld;
  let table: EgressTable;
  let nft: NftablesClient;
  let port = 0;

  before(() => {
    net = new EgressWorld(server());
    ({ inner, world } = net);
    table = server().inside(() => EgressTable.open({ name: 'egress', comment: COMMENT }));
    nft = server().inside(() => NftablesClient.open());
  });
  beforeEach(function () {
    // Each waits for whole rounds of packets, on a machine that may be busy.
    this.currentTest?.timeout(EGRESS_TIMEOUT_MS);
    port = net.nextPort();
    server().run('conntrack', '-F');
  });
  after(async () => {
    await table.remove(['tun0']);
    table.close();
    nft.close();
    net.remove();
  });

  const settings = (
    texts: readonly string[],
    held: readonly HeldAddress[] = [],
    banned: readonly IpAddress[] = [],
    own: readonly IpAddress[] = [],
  ): Omit<EgressSettings, 'table' | 'comment'> => ({
    tunnels: [
      {
        device: 'tun0',
        policies: texts.map((text) => policy(text)),
        inner: { ip: address('172.28.0.1'), ip6: address('fd28::2') },
      },
    ],
    held,
    unusable: { banned, own },
  });
  /** As a daemon leaves it that is killed: without the backstop. */
  const installAndDie = async (text: string): Promise<void> => {
    const killed = server().inside(() => EgressTable.open({ name: 'egress', comment: COMMENT }));
    await killed.install(settings([text]));
    killed.close();
  };
  const install = async (...texts: string[]): Promise<void> => {
    await table.install(settings(texts));
  };
  const flows: EgressWorld['flows'] = (...words) => net.flows(...words);

  const DRAWS = 20_000;
  const FLUSHES = 5;
  for (const per of ['connection', 'packet'] as const) {
    it(`per=${per} draws uniformly from an IPv4 /24`, async () => {
      await install(`rotate addresses=198.51.100.0/24 per=${per}`);
      await assertUniform(254, async () => {
        const lines = await (per === 'packet' ? flows('10.9.0.2', 1, DRAWS) : flows('10.9.0.2', DRAWS));
        assert.ok(lines.length > DRAWS * 0.95, `${lines.length} arrived`);
        const hosts = sourcesOf(lines).map((source) => {
          assert.match(source, /^198\.51\.100\./);
          return lastByte(source) - 1;
        });
        return [hosts];
      });
    }).timeout(EGRESS_TIMEOUT_MS);

    it(`per=${per} draws uniformly from an IPv6 /64, in low and high host bits`, async () => {
      await install(`rotate addresses=2001:db8::/64 per=${per}`);
      await assertUniform(256, async () => {
        const lines = await (per === 'packet' ? flows('fd09::2', 1, DRAWS) : flows('fd09::2', DRAWS));
        assert.ok(lines.length > DRAWS * 0.95, `${lines.length} arrived`);
        const sources = sourcesOf(lines);
        assert.ok(sources.every((source) => source.startsWith('2001:db8:') && !source.startsWith('2001:db8:1')));
        return [0n, 24n, 32n, 56n].map((shift) => sources.map((source) => lastByte(source, shift)));
      });
    }).timeout(EGRESS_TIMEOUT_MS);
  }

  it('draws uniformly over the addresses of a pool in parts, without what is excluded or banned', async () => {
    const text = 'rotate addresses=192.0.2.1,198.51.100.0-198.51.100.8,203.0.113.4-203.0.113.9 exclude=198.51.100.3';
    await table.install(settings([text], [], [address('203.0.113.9')]));
    await assertUniform(14, async () => {
      const sources = sourcesOf(await flows('10.9.0.2', DRAWS / 2));
      const names = [...new Set(sources)];
      assert.equal(names.length, 14);
      assert.ok(!names.includes('198.51.100.3') && !names.includes('203.0.113.9'));
      return [sources.map((source) => names.indexOf(source))];
    });
  }).timeout(EGRESS_TIMEOUT_MS);

  it('draws ports of the range, for connections and for packets', async () => {
    await install('rotate addresses=198.51.100.0/24 per=packet ports=1000-1063 protocols=udp');
    await assertUniform(64, async () => {
      const ports = (await flows('10.9.0.2', 1, 2000)).map((line) => Number(line.split(' ')[1]) - 1000);
      assert.ok(ports.length > 1900);
      return [ports];
    });
    await install('rotate addresses=198.51.100.0/24 ports=2000-2063');
    for (const line of await flows('10.9.0.2', 50)) assert.match(line, / 20[0-6]\d$/);
  }).timeout(EGRESS_TIMEOUT_MS);

  it('per=tunnel leaves from the address held, and from the next one after a move', async () => {
    const first = { device: 'tun0', index: 0, address: address('198.51.100.7') };
    const second = { ...first, address: address('198.51.100.8') };
    const other = { ...first, address: address('2001:db8::7') };
    const text = 'rotate addresses=198.51.100.0/24,2001:db8::/64 per=tunnel';
    await table.install(settings([text], [first, other]));
    assert.deepEqual([...new Set(sourcesOf(await flows('10.9.0.2', 20)))], ['198.51.100.7']);
    assert.deepEqual([...new Set(sourcesOf(await flows('fd09::2', 20)))], ['2001:db8::7']);
    assert.deepEqual(
      (await table.left()).map(({ address: held }) => held.value).sort(),
      [first, other].map(({ address: held }) => held.value).sort(),
    );
    await table.move([first], [second]);
    assert.deepEqual([...new Set(sourcesOf(await flows('10.9.0.2', 20)))], ['198.51.100.8']);
    await table.move([second, other], []);
    assert.deepEqual(await flows('10.9.0.2', 20), [], 'a tunnel that holds no address');
  });

  it('the first policy that is about a packet decides, and what none is about is dropped', async () => {
    await install(
      'drop protocols=tcp',
      'passthrough interfaces=nosuch',
      'rotate addresses=2001:db8::7',
      'masquerade protocols=udp interfaces=eth0',
    );
    assert.deepEqual([...new Set(sourcesOf(await flows('10.9.0.2', 5)))], ['10.9.0.1']);
    assert.deepEqual([...new Set(sourcesOf(await flows('fd09::2', 5)))], ['2001:db8::7']);
    await install('masquerade protocols=tcp');
    assert.deepEqual(await flows('10.9.0.2', 5), []);
    await install('passthrough');
    assert.deepEqual([...new Set(sourcesOf(await flows('10.9.0.2', 5)))], ['172.28.0.1']);
  });

  it('what comes to an address that is drawn for packets goes back to the tunnel', async () => {
    await install('rotate addresses=198.51.100.0/29,2001:db8::/64 per=packet ports=1024-65535 inner-port=7');
    for (const to of ['198.51.100.3', '2001:db8::77']) {
      const lines = await seen(inner, 7, () => void world.run('python3', '-c', SEND, to, '4321', '1', '3'));
      assert.equal(lines.length, 3, to);
    }
  });

  for (const [what, text, to, distinct] of [
    ['one IPv4 address', '198.51.100.9', '10.9.0.2', 1],
    ['an IPv4 /31', '198.51.100.8/31', '10.9.0.2', 2],
    ['all of IPv4', '0.0.0.0/0', '10.9.0.2', 60],
    ['one IPv6 address', '2001:db8::9', 'fd09::2', 1],
    ['an IPv6 /127', '2001:db8::8/127', 'fd09::2', 2],
    ['2^80 IPv6 addresses', '2001:db8:1::/48', 'fd09::2', 60],
    ['all of IPv6', '::/0', 'fd09::2', 60],
    ['overlapping parts', '198.51.100.8/31,198.51.100.9,198.51.100.9-198.51.100.10', '10.9.0.2', 3],
  ] as const) {
    it(`draws from a pool of ${what}, and from nothing else`, async () => {
      const asked = `rotate addresses=${text} edges=yes`;
      await install(asked);
      const sources = sourcesOf(await flows(to, 60));
      // Of huge pools two draws that are the same would be a wonder, and an address that the far host refuses none.
      const seenOnce = new Set(sources);
      assert.ok(distinct === 60 ? seenOnce.size >= 40 : seenOnce.size === distinct, [...seenOnce].join(' '));
      const { action } = policy(asked);
      assert.ok(action.mode === 'rotate');
      for (const source of seenOnce) assert.ok(poolHas(action.pool, address(source)), source);
    });
  }

  it('stops a connection for which no port is left, and does not let it out as it is', async () => {
    await install('rotate addresses=198.51.100.9 ports=5000-5002');
    const lines = await flows('10.9.0.2', 10);
    assert.deepEqual(
      [...new Set(lines)].sort(),
      [5000, 5001, 5002].map((one) => `198.51.100.9 ${one}`),
    );
    assert.equal(lines.length, 3);
  });

  it('lets two tunnels draw from pools that overlap', async () => {
    const second = { ...settings(['rotate addresses=198.51.100.0/24']).tunnels[0]!, device: 'tun1' };
    const first = settings(['rotate addresses=198.51.100.0/25']);
    await table.install({ ...first, tunnels: [...first.tunnels, second] });
    for (const source of sourcesOf(await flows('10.9.0.2', 20))) assert.match(source, /^198\.51\.100\./);
    await table.remove(['tun1']);
  });

  it("what comes to the server's own address does not, whatever the pool says", async () => {
    const text = 'rotate addresses=10.9.0.0/28 per=packet';
    await table.install(settings([text], [], [], [address('10.9.0.1')]));
    const sent = (to: string): Promise<string[]> =>
      seen(inner, port, () => void world.run('python3', '-c', SEND, to, String(port), '1', '3'));
    assert.deepEqual(await sent('10.9.0.1'), []);
    world.run('ip', 'neigh', 'replace', '10.9.0.3', 'dev', 'eth', 'lladdr', macOf(server(), 'eth0'));
    assert.equal((await sent('10.9.0.3')).length, 3);
  });

  for (const text of [
    'masquerade udp-timeout=900s udp-connect-timeout=777s tcp-timeout=888s',
    'rotate addresses=198.51.100.0/24,2001:db8::/64 udp-timeout=900s udp-connect-timeout=777s tcp-timeout=888s',
  ]) {
    it(`gives connections their timeouts: ${text}`, async () => {
      await install(text);
      assert.deepEqual(await table.compare(settings([text])), []);
      for (const [to, family] of [
        ['10.9.0.2', 'ipv4'],
        ['fd09::2', 'ipv6'],
      ] as const) {
        assert.equal((await flows(to, 1)).length, 1);
        const listed = server().run('conntrack', '-L', '-f', family, '-p', 'udp', '-d', to);
        // So many seconds are left of those that a flow without an answer has.
        const [, left] = /^udp\s+17 (\d+) /m.exec(listed) ?? [];
        assert.ok(Number(left) > 400 && Number(left) <= 777, listed);
      }
    });
  }

  for (const text of [
    'rotate addresses=198.51.100.0/24',
    'rotate addresses=198.51.100.0/24 per=packet',
    'masquerade',
  ]) {
    it(`nothing leaves with the inner address when the ruleset is flushed under ${text}`, async () => {
      await install(text);
      const { lines } = await whileSending(async () => {
        for (let round = 0; round < FLUSHES; round += 1) {
          await sleep(60);
          server().run('nft', 'flush', 'ruleset');
          await sleep(60);
          await table.install(settings([text]));
        }
      });
      assert.ok(lines.length > FLUSHES);
      assert.deepEqual(
        lines.filter((source) => source.startsWith('172.28.')),
        [],
      );
      server().run('nft', 'flush', 'ruleset');
      assert.deepEqual(await flows('10.9.0.2', 20), [], 'as long as it is not repaired');
    }).timeout(EGRESS_TIMEOUT_MS);
  }

  const POOLS = 'rotate addresses=198.51.100.0/24,2001:db8::/64';
  for (const text of [POOLS, `${POOLS} per=packet`, 'masquerade', 'passthrough']) {
    it(`what has passed the first rules when the others go ends in the backstop: ${text}`, async () => {
      await install(text);
      for (const chain of ['leave', 'check']) server().run('nft', 'flush', 'chain', 'inet', 'egress', chain);
      assert.match(server().run('nft', 'list', 'chain', 'inet', 'egress', 'enter'), /mark set/);
      for (const to of ['10.9.0.2', 'fd09::2'] as const) assert.deepEqual(await flows(to, 5), []);
      await install(text);
      assert.equal((await flows('10.9.0.2', 5)).length, 5);
    });
  }

  it('has a backstop that is there after a flush of the ruleset, and goes with its process', async () => {
    const other = server().inside(() => EgressTable.open({ name: 'other', comment: COMMENT }));
    const names = (): string[] =>
      [
        ...server()
          .run('nft', 'list', 'tables')
          .matchAll(/(other\S*)/g),
      ]
        .map(([name]) => name)
        .sort();
    await other.install(settings(['masquerade']));
    assert.deepEqual(names(), ['other', 'other-backstop']);
    server().run('nft', 'flush', 'ruleset');
    assert.deepEqual(names(), ['other-backstop']);
    await other.install(settings(['masquerade']));
    assert.deepEqual(names(), ['other', 'other-backstop']);
    other.close();
    // As a process does that is killed.
    assert.deepEqual(names(), ['other']);
    server().run('nft', 'delete', 'table', 'inet', 'other');
  });

  it('drops nothing of others, whatever they mark it with', async () => {
    await install('masquerade');
    server().loadRuleset(
      'table inet own { chain every { type filter hook prerouting priority 320; meta mark set 0x10000000; }\n}\n',
    );
    const sent = await seen(
      inner,
      port,
      () => void world.run('python3', '-c', SEND, '172.28.0.1', String(port), '5', '1'),
    );
    assert.equal(sent.length, 5);
    server().run('nft', 'delete', 'table', 'inet', 'own');
  });

  /** Datagrams of ever new flows until `meanwhile` has ended; gives the sources that the far host saw. */
  async function whileSending(meanwhile: () => Promise<void>): Promise<{ lines: string[] }> {
    const lines = await seen(world, port, async () => {
      const words = ['10.9.0.2', String(port), '40000', '1'];
      const sender = spawn('ip', ['netns', 'exec', inner.name, 'python3', '-u', '-c', SEND, ...words]);
      const ended = once(sender, 'close');
      try {
        await once(sender.stdout, 'data');
        await meanwhile();
      } finally {
        sender.kill('SIGKILL');
        await ended;
      }
    });
    return { lines: sourcesOf(lines) };
  }

  it('a connection from before, which was not translated, does not go on as it is', async () => {
    await install('passthrough');
    const before = [...new Set(sourcesOf(await flows('10.9.0.2', 1, 2)))];
    assert.deepEqual(before, ['172.28.0.1']);
    const lines = await seen(world, port, () => {
      inner.run('python3', '-c', FIXED_PORT, '10.9.0.2', String(port));
    });
    assert.equal(lines.length, 1);
    await install('masquerade protocols=udp');
    const after = await seen(world, port, () => {
      inner.run('python3', '-c', FIXED_PORT, '10.9.0.2', String(port));
    });
    assert.deepEqual(after, []);
  });

  for (const text of ['drop', 'masquerade', 'rotate addresses=198.51.100.0/24']) {
    it(`a connection from before that somebody leads elsewhere does not go on as it is: ${text}`, async () => {
      await table.remove(['tun0']);
      server().loadRuleset(`
        table ip own {
          chain lead { type nat hook prerouting priority dstnat; iifname "tun0" ip daddr 192.0.2.7 dnat to 10.9.0.2; }
        }`);
      const send = (): void => void inner.run('python3', '-c', FIXED_PORT, '192.0.2.7', String(port));
      assert.deepEqual(sourcesOf(await seen(world, port, send)), ['172.28.0.1']);
      await installAndDie(text);
      assert.deepEqual(await seen(world, port, send), []);
      server().run('nft', 'delete', 'table', 'ip', 'own');
    });
  }

  it('a connection whose addresses nobody translates any more does not go on as it is', async () => {
    await install('masquerade');
    const send = (): void => void inner.run('python3', '-c', FIXED_PORT, '10.9.0.2', String(port));
    assert.deepEqual(sourcesOf(await seen(world, port, send)), ['10.9.0.1']);
    // With the last chain that translates, the kernel stops to do so for what it has begun.
    server().run('nft', 'delete', 'chain', 'inet', 'egress', 'leave');
    assert.match(server().run('nft', 'list', 'table', 'inet', 'egress'), /chain enter[^]*chain check/);
    assert.deepEqual(await seen(world, port, send), []);
  });

  it('the same from a network behind the peer', async () => {
    const one = settings(['masquerade']);
    const networks = [
      { family: 'ip', first: address('192.168.7.0').value, last: address('192.168.7.255').value },
    ] as const;
    await table.install({ ...one, tunnels: one.tunnels.map((tunnel) => ({ ...tunnel, networks })) });
    inner.run('ip', 'addr', 'add', '192.168.7.1/32', 'dev', 'eth');
    server().run('ip', 'route', 'add', '192.168.7.0/24', 'dev', 'tun0');
    const send = (): void => void inner.run('python3', '-c', FIXED_PORT, '10.9.0.2', String(port), '192.168.7.1');
    assert.deepEqual(sourcesOf(await seen(world, port, send)), ['10.9.0.1']);
    server().run('nft', 'delete', 'chain', 'inet', 'egress', 'leave');
    assert.deepEqual(await seen(world, port, send), []);
  });

  it('multicast that somebody leads on out of the tunnel does not leave, with the rules and without', async () => {
    await table.remove(['tun0']);
    const router = spawn('ip', ['netns', 'exec', server().name, 'python3', '-c', MULTICAST_ROUTER, 'tun0', 'eth0']);
    try {
      await once(router.stdout, 'data');
      world.loadRuleset(`
        table ip seen {
          counter multicast { }
          chain in { type filter hook prerouting priority raw; ip daddr 239.1.1.1 counter name multicast; }
        }`);
      const leaves = (): boolean => {
        world.run('nft', 'reset', 'counter', 'ip', 'seen', 'multicast');
        // Nobody answers, by which a ping fails.
        inner.run('sh', '-c', 'ping -c 1 -t 8 -W 0.3 -I eth 239.1.1.1 || true');
        return !world.run('nft', 'list', 'counter', 'ip', 'seen', 'multicast').includes('packets 0 ');
      };
      assert.ok(leaves());
      for (const text of ['masquerade', 'drop', 'passthrough']) {
        await installAndDie(text);
        assert.ok(!leaves(), text);
      }
      await install('masquerade');
      server().run('nft', 'flush', 'ruleset');
      assert.ok(!leaves(), 'without the rules');
      await table.remove(['tun0']);
      assert.ok(leaves());
    } finally {
      router.kill('SIGKILL');
      world.run('nft', 'delete', 'table', 'ip', 'seen');
    }
  });

  it('is compared with what should be there, and found the same or not', async () => {
    const wanted = settings([
      'drop protocols=udp',
      'rotate addresses=198.51.100.0/24,192.0.2.9,2001:db8::/64 per=packet',
    ]);
    await table.install(wanted);
    assert.deepEqual(await table.compare(wanted), []);
    server().run('nft', 'flush', 'chain', 'inet', 'egress', 'check');
    assert.deepEqual(await table.compare(wanted), ['has other rules in its chain check']);
  });

  it('leaves alone a table of its name that is not its own', async () => {
    server().loadRuleset('table inet other { comment "mine"; }');
    const other = server().inside(() => EgressTable.open({ name: 'other', comment: COMMENT }));
    await assert.rejects(other.left(), ForeignTableError);
    other.close();
  });

  it('leads a packet of a thousand tunnels, each with a pool of its own, past no more rules than one of two', async () => {
    const many = server().inside(() => EgressTable.open({ name: 'many', comment: COMMENT }));
    const wanted = (count: number): ReturnType<typeof settings> => {
      const tunnels = Array.from({ length: count }, (_, index) => {
        const per = index % 2 === 0 ? 'tunnel' : 'connection';
        return {
          device: `t${index}`,
          policies: [policy(`rotate addresses=10.${index >> 8}.${index & 255}.0/24 per=${per}`)],
          inner: {},
        };
      });
      const held = tunnels.map(({ device }, index) => ({
        device,
        index: 0,
        address: address(`10.${index >> 8}.${index & 255}.1`),
      }));
      return { tunnels, held, unusable: ALL_USABLE };
    };
    /** In the chains that every packet goes through, and in the routing rules. */
    const passed = async (): Promise<string[]> => {
      const rules = await nft.rules('inet', 'many');
      const inHooks = ['enter', 'leave', 'check'].map(
        (chain) => `${chain}: ${rules.filter((rule) => rule.chain === chain).length}`,
      );
      return [...inHooks, server().run('ip', 'rule'), server().run('ip', '-6', 'rule')];
    };
    try {
      await many.install(wanted(2));
      const ofTwo = await passed();
      await many.install(wanted(1000));
      assert.deepEqual(await many.compare(wanted(1000)), []);
      assert.deepEqual(await passed(), ofTwo);
      assert.match(ofTwo.join('\n'), /^enter: 1\nleave: [1-9]\ncheck: [1-9]\n/);
    } finally {
      await many.remove([]);
      many.close();
    }
  });
});
