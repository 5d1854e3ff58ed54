/** The judgement of rulesets, compared with what the kernel does to a packet. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { judgeFirewall } from '../../../src/doctor/firewall/judge.js';
import type { JudgedPacket } from '../../../src/doctor/firewall/packet.js';
import { probeFirewall } from '../../../src/doctor/probe/firewall.js';
import { PathProbe } from '../../../src/sys/path-probe.js';
import { TestNamespace } from '../../support/namespace.js';
import { namespaceObstacle, skipBecause } from '../../support/skip.js';

const PORT = 10_000;
const [HERE, THERE] = ['10.9.7.1', '10.9.7.2'];
const [HERE6, THERE6] = ['fd07::1', 'fd07::2'];
/** One datagram. */
const SEND =
  'import socket, sys; socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b"x", (sys.argv[1], int(sys.argv[2])))';
const COUNTER = 'judge';

type Expected = 'passes' | 'stopped' | 'unsure';

const input = (rules: string, policy = 'drop'): string =>
  `table inet fw { chain input { type filter hook input priority filter; policy ${policy}; ${rules}${rules === '' ? '' : ';'} } }`;

/** Rulesets as administrators write them; `unsure`: what the judgement has to leave open, whatever the kernel does. */
const CASES: readonly (readonly [title: string, ruleset: string, expected: Expected])[] = [
  ['no rules', '', 'passes'],
  ['policy drop', input(''), 'stopped'],
  ['policy accept', input('', 'accept'), 'passes'],
  ['the port accepted', input('udp dport 10000 accept'), 'passes'],
  ['another port accepted', input('udp dport 10001 accept'), 'stopped'],
  ['the same port of TCP accepted', input('tcp dport 10000 accept'), 'stopped'],
  ['a range accepted', input('udp dport 9000-11000 accept'), 'passes'],
  ['a range beside it accepted', input('udp dport 10001-11000 accept'), 'stopped'],
  ['a negated port accepted', input('udp dport != 10000 accept'), 'stopped'],
  ['a list of ports accepted', input('udp dport { 53, 500, 10000 } accept'), 'passes'],
  ['a list of others accepted', input('udp dport { 53, 500 } accept'), 'stopped'],
  ['a list with ranges accepted', input('udp dport { 53, 9990-10000, 10001-10005 } accept'), 'passes'],
  ['a list with ranges beside it', input('udp dport { 53, 9990-9999, 10001-10005 } accept'), 'stopped'],
  ['any UDP or TCP to a list of ports', input('meta l4proto { tcp, udp } th dport { 53, 10000 } accept'), 'passes'],
  ['own address and port', input(`ip daddr ${HERE} udp dport 10000 accept`), 'passes'],
  ['a network that has the own address', input('ip daddr 10.9.0.0/16 udp dport 10000 accept'), 'passes'],
  ['a network that has it not', input('ip daddr 10.8.0.0/16 udp dport 10000 accept'), 'stopped'],
  ['the device', input('iifname "wan" accept'), 'passes'],
  ['devices by a pattern', input('iifname "wa*" accept'), 'passes'],
  ['another device', input('iifname "lan" accept'), 'stopped'],
  ['the device by its index', input('iif "wan" accept'), 'passes'],
  ['answers only', input('ct state established,related accept'), 'stopped'],
  [
    'answers, and what is new to the port',
    input('ct state established accept; ct state new udp dport 10000 accept'),
    'passes',
  ],
  [
    'a map of states',
    input('ct state vmap { established : accept, invalid : drop }; udp dport 10000 accept'),
    'passes',
  ],
  ['a map of ports', input('udp dport vmap { 53 : accept, 10000 : drop }', 'accept'), 'stopped'],
  [
    'a map that jumps',
    `table ip fw { chain ours { udp dport 10000 accept; } chain input { type filter hook input priority 0; policy drop; iifname vmap { "wan" : jump ours }; } }`,
    'passes',
  ],
  [
    'a chain that returns',
    `table ip fw { chain ours { return; accept; } chain input { type filter hook input priority 0; policy drop; jump ours; } }`,
    'stopped',
  ],
  [
    'a chain that is gone to',
    `table ip fw { chain ours { udp dport 1 accept; } chain input { type filter hook input priority 0; policy accept; goto ours; drop; } }`,
    'passes',
  ],
  ['rejected', input('udp dport 10000 reject', 'accept'), 'stopped'],
  ['logged and counted', input('udp dport 10000 counter accept'), 'passes'],
  ['below a rate', input('udp dport 10000 limit rate 10/second accept'), 'unsure'],
  ['beyond a rate', input('limit rate over 100/second drop', 'accept'), 'unsure'],
  [
    'accepted first, dropped by a later chain',
    `${input('accept')}\n table ip late { chain in { type filter hook input priority 20; udp dport 10000 drop; } }`,
    'stopped',
  ],
  [
    'dropped before routing',
    'table ip raw { chain pre { type filter hook prerouting priority raw; udp dport 10000 drop; } }',
    'stopped',
  ],
  [
    'dropped at the device',
    'table netdev early { chain in { type filter hook ingress device "wan" priority 0; udp dport 10000 drop; } }',
    'stopped',
  ],
  [
    'dropped at another device',
    'table netdev early { chain in { type filter hook ingress device "lo" priority 0; udp dport 10000 drop; } }',
    'passes',
  ],
  [
    'sent to another port',
    'table ip nat { chain pre { type nat hook prerouting priority dstnat; udp dport 10000 redirect to :99; } }',
    'stopped',
  ],
  ['what is local accepted', input('fib daddr type local udp dport 10000 accept'), 'passes'],
  ['for IPv6 only', input('meta nfproto ipv6 accept'), 'stopped'],
  [
    'a table for IPv4 only, at output',
    'table ip fw { chain out { type filter hook output priority 0; policy drop; } }',
    'passes',
  ],
  ['one source accepted', input(`ip saddr ${THERE} accept`), 'unsure'],
  [
    'a set of blocked sources',
    `table ip fw { set bad { type ipv4_addr; flags interval; elements = { 192.0.2.0/24 }; } chain input { type filter hook input priority 0; policy accept; ip saddr @bad drop; } }`,
    'unsure',
  ],
  ['a source port', input('udp sport 1024-65535 udp dport 10000 accept'), 'unsure'],
  ['a mark', input('meta mark 0x7 accept'), 'unsure'],
];

const CASES6: typeof CASES = [
  ['no rules', '', 'passes'],
  ['policy drop', input(''), 'stopped'],
  [
    'a table of IPv4 that drops',
    'table ip fw { chain in { type filter hook input priority 0; policy drop; } }',
    'passes',
  ],
  [
    'a table of IPv6 that drops',
    'table ip6 fw { chain in { type filter hook input priority 0; policy drop; } }',
    'stopped',
  ],
  ['for IPv6 only', input('meta nfproto ipv6 accept'), 'passes'],
  ['for IPv4 only', input('meta nfproto ipv4 accept'), 'stopped'],
  ['of IPv6 by its Ethernet type', input('meta protocol ip6 accept'), 'passes'],
  ['own address and port', input(`ip6 daddr ${HERE6} udp dport 10000 accept`), 'passes'],
  ['a network that has the own address', input('ip6 daddr fd00::/8 udp dport 10000 accept'), 'passes'],
  ['a network that has it not', input('ip6 daddr 2000::/3 udp dport 10000 accept'), 'stopped'],
  ['an address of IPv4', input(`ip daddr ${HERE} accept`), 'stopped'],
  ['the next header', input('ip6 nexthdr udp accept'), 'passes'],
  ['another next header', input('ip6 nexthdr tcp accept'), 'stopped'],
  ['answers only', input('ct state established,related accept'), 'stopped'],
  ['the device', input('iifname "wan" accept'), 'passes'],
  ['one source accepted', input(`ip6 saddr ${THERE6} accept`), 'unsure'],
];

const IPTABLES: readonly (readonly [title: string, rules: readonly string[], expected: Expected])[] = [
  ['a port', ['-P INPUT DROP', '-A INPUT -p udp --dport 10000 -j ACCEPT'], 'passes'],
  ['a range that has it not', ['-P INPUT DROP', '-A INPUT -p udp --dport 1:9999 -j ACCEPT'], 'stopped'],
  ['ports by multiport', ['-P INPUT DROP', '-A INPUT -p udp -m multiport --dports 53,9000:11000 -j ACCEPT'], 'passes'],
  [
    'other ports by multiport',
    ['-P INPUT DROP', '-A INPUT -p udp -m multiport --dports 53,10001:11000 -j ACCEPT'],
    'stopped',
  ],
  [
    'all but some by multiport',
    ['-P INPUT DROP', '-A INPUT -p udp -m multiport ! --dports 53,10000 -j ACCEPT'],
    'stopped',
  ],
  ['states', ['-P INPUT DROP', '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'], 'stopped'],
  ['new by its state', ['-P INPUT DROP', '-A INPUT -m conntrack --ctstate NEW -j ACCEPT'], 'passes'],
  ['not a state', ['-A INPUT -m conntrack ! --ctstate ESTABLISHED -j DROP'], 'stopped'],
  [
    'with a comment',
    ['-P INPUT DROP', '-A INPUT -p udp -m comment --comment tunnel -m udp --dport 10000 -j ACCEPT'],
    'passes',
  ],
  ['rejected', ['-A INPUT -p udp --dport 10000 -j REJECT'], 'stopped'],
  ['a local destination', ['-P INPUT DROP', '-A INPUT -m addrtype --dst-type LOCAL -j ACCEPT'], 'passes'],
  ['below a rate', ['-P INPUT DROP', '-A INPUT -p udp -m limit --limit 10/second -j ACCEPT'], 'unsure'],
  ['a chain of its own', ['-N ours', '-A INPUT -j ours', '-A ours -p udp --dport 10000 -j DROP'], 'stopped'],
  ['a match that is not known', ['-P INPUT DROP', '-A INPUT -m mark --mark 5 -j ACCEPT'], 'unsure'],
];

describe('judged rulesets and the kernel', () => {
  let here: TestNamespace;
  let there: TestNamespace;
  let packet4: JudgedPacket;
  let packet6: JudgedPacket;

  before(function () {
    const obstacle = namespaceObstacle();
    if (obstacle !== undefined) skipBecause(this, obstacle);
    [here, there] = [new TestNamespace(), new TestNamespace()];
    const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });
    ip('link', 'add', 'wan', 'netns', here.name, 'type', 'veth', 'peer', 'name', 'wan', 'netns', there.name);
    for (const [namespace, address] of [
      [here, HERE],
      [there, THERE],
    ] as const) {
      namespace.run('ip', 'addr', 'add', `${address}/24`, 'dev', 'wan');
      namespace.run('ip', 'link', 'set', 'wan', 'up');
    }
    const [link] = JSON.parse(ip('-n', here.name, '-j', 'link', 'show', 'wan')) as { ifindex: number }[];
    packet4 = {
      version: 4,
      direction: 'in',
      source: undefined,
      destination: HERE,
      sourcePort: undefined,
      destinationPort: PORT,
      protocol: 17,
      inDevice: { name: 'wan', index: link!.ifindex },
      outDevice: undefined,
      state: 'new',
    };
    packet6 = { ...packet4, version: 6, destination: HERE6 };
    // The first packet waits for the other's hardware address.
    there.run('ping', '-c1', '-W2', HERE);
    // Of IPv6 it is asked for again and again, which rulesets here would drop.
    here.run('ip', 'addr', 'add', `${HERE6}/64`, 'dev', 'wan', 'nodad');
    there.run('ip', 'addr', 'add', `${THERE6}/64`, 'dev', 'wan', 'nodad');
    const mac = here.run('cat', '/sys/class/net/wan/address').trim();
    there.run('ip', 'neigh', 'replace', HERE6, 'lladdr', mac, 'nud', 'permanent', 'dev', 'wan');
  });
  after(() => {
    // Where the suite was skipped there are none.
    for (const namespace of [here, there] as (TestNamespace | undefined)[]) namespace?.remove();
  });

  /** Whether a packet that is sent now gets behind all filters. */
  function arrives(version: JudgedPacket['version']): boolean {
    const count = (): number => {
      const listed = JSON.parse(here.run('nft', '-j', 'list', 'table', 'inet', COUNTER)) as {
        nftables: { rule?: { expr: { counter?: { packets: number } }[] } }[];
      };
      return listed.nftables.flatMap(({ rule }) => rule?.expr ?? []).find(({ counter }) => counter !== undefined)!
        .counter!.packets;
    };
    const before = count();
    if (version === 4) {
      const probe = there.inside(() => PathProbe.open(HERE, PORT));
      probe.send(100);
      probe.close();
    } else {
      there.run('python3', '-c', SEND, HERE6, String(PORT));
    }
    return count() > before;
  }

  async function compare(expected: Expected, packet = packet4): Promise<void> {
    const facts = await here.inside(() => probeFirewall());
    assert.deepEqual(facts.unread, []);
    const { stops, mayStop } = judgeFirewall(facts, packet, ({ name }) => name === COUNTER);
    const judged: Expected = stops.length > 0 ? 'stopped' : mayStop.length > 0 ? 'unsure' : 'passes';
    assert.equal(judged, expected, JSON.stringify({ stops, mayStop }));
    // A veth delivers within the call that sends.
    if (judged !== 'unsure') assert.equal(arrives(packet.version) ? 'passes' : 'stopped', judged);
    else for (const { culprit } of mayStop) assert.notDeepEqual(culprit.dependsOn, []);
  }

  /** On one line it is better to read; nft wants a line's end behind each block. */
  const load = (ruleset: string): void => {
    here.loadRuleset(`${ruleset.replaceAll(/([;}]) (?=\}|chain)/g, '$1\n')}\n`);
  };

  function begin(): void {
    here.run('nft', 'flush', 'ruleset');
    load(`table inet ${COUNTER} { chain last { type filter hook input priority 1000; udp dport ${PORT} counter; } }`);
  }

  for (const [title, ruleset, expected] of CASES) {
    it(`agree about: ${title}`, async () => {
      begin();
      load(ruleset);
      await compare(expected);
    });
  }

  for (const [title, ruleset, expected] of CASES6) {
    it(`agree about IPv6: ${title}`, async () => {
      begin();
      load(ruleset);
      await compare(expected, packet6);
    });
  }

  for (const [title, rules, expected] of IPTABLES) {
    it(`agree about rules of iptables-nft: ${title}`, async function () {
      begin();
      try {
        for (const rule of rules) here.run('iptables-nft', ...rule.split(' '));
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
          skipBecause(this, 'needs iptables-nft');
        throw error;
      }
      await compare(expected);
    });
  }

  it('name the rule, its chain and its comment', async () => {
    begin();
    load(input('udp dport 10000 drop comment "no tunnels"', 'accept'));
    const facts = await here.inside(() => probeFirewall());
    const [stop] = judgeFirewall(facts, packet4, () => false).stops;
    assert.match(stop!.culprit.where, /^the rule with handle \d+ \("no tunnels"\) of chain input in table inet fw$/);
  });

  for (const maybe of ['ip ttl < 5 drop', 'ip frag-off & 0x1fff != 0 drop', 'limit rate over 1/second drop']) {
    it(`name what surely stops the packet, and not what may: ${maybe}`, async () => {
      const culprits: (string | undefined)[] = [];
      for (const [policy, sure] of [
        ['accept', 'udp dport 10000 drop comment "sure"'],
        ['accept', 'jump gate'],
        ['drop', ''],
      ] as const) {
        begin();
        load(
          `table inet fw { chain gate { ip protocol udp drop comment "sure"; } chain input { type filter hook input priority 0; policy ${policy}; ${maybe} comment "maybe"; ${sure}; } }`,
        );
        const facts = await here.inside(() => probeFirewall());
        culprits.push(judgeFirewall(facts, packet4, ({ name }) => name === COUNTER).stops[0]?.culprit.where);
      }
      assert.match(culprits[0] ?? '', /\("sure"\) of chain input/);
      assert.match(culprits[1] ?? '', /\("sure"\) of chain gate/);
      assert.match(culprits[2] ?? '', /^the policy of chain input/);
    });
  }

  it('pass over the table of the tunnel itself', async () => {
    begin();
    load(input(''));
    const facts = await here.inside(() => probeFirewall());
    assert.deepEqual(
      judgeFirewall(facts, packet4, () => true),
      { chains: 0, stops: [], mayStop: [] },
    );
  });
});
