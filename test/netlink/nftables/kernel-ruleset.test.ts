/** The reference tool as the judge: a ruleset made by us and one made by nft are listed alike. */
import assert from 'node:assert/strict';
import {
  Batch,
  IPS_SRC_NAT,
  IP_CT_DIR_REPLY,
  NFTA_FIB_F_DADDR,
  NFTA_FIB_F_IIF,
  NFTA_FIB_F_PRESENT,
  NFTA_FIB_F_SADDR,
  NFT_BYTEORDER_HTON,
  NFT_CMP_EQ,
  NFT_CMP_GTE,
  NFT_CMP_LTE,
  NFT_CMP_NEQ,
  NFT_CT_DIRECTION,
  NFT_CT_STATUS,
  NFT_FIB_RESULT_ADDRTYPE,
  NFT_FIB_RESULT_OIF,
  NFT_FIB_RESULT_OIFNAME,
  NFT_META_IIFNAME,
  NFT_META_L4PROTO,
  NFT_META_MARK,
  NFT_META_NFPROTO,
  NFT_PAYLOAD_CSUM_INET,
  NFT_PAYLOAD_L4CSUM_PSEUDOHDR,
  NFT_PAYLOAD_NETWORK_HEADER,
  NFT_PAYLOAD_TRANSPORT_HEADER,
  NFT_RANGE_NEQ,
  NFT_REG32_00,
  NFT_REG32_01,
  NFT_REG32_04,
  NFT_REG_1,
  NFT_REG_2,
  NFT_REG_3,
  NFT_REG_VERDICT,
  NftablesClient,
  bitwise,
  byteorder,
  cmp,
  counter,
  ctLoad,
  dynset,
  encodeFields,
  fib,
  immediateData,
  immediateVerdict,
  limit,
  lookup,
  masquerade,
  metaLoad,
  metaWrite,
  notrack,
  numgen,
  payloadLoad,
  payloadWrite,
  range,
  sameExpressions,
  snat,
  tproxy,
  type DataType,
  type Expression,
  type FieldValue,
  type RuleSpec,
  type SetSpec,
} from '../../../src/netlink/nftables/index.js';
import { describeInNamespace } from '../../support/namespace.js';

const SCRIPT = `
  table inet outer {
    comment "as nft makes it"
    set sources { type ipv4_addr; size 1024; flags dynamic, timeout; timeout 1m; }
    set links { type ifname; comment "names"; elements = { "eth0", "tun1" comment "second" }; }
    set hosts { type ipv6_addr . inet_proto . mark; elements = { 2001:db8::1 . udp . 0x7 }; }
    map peers {
      type ipv4_addr . inet_service : ipv4_addr; flags timeout
      elements = { 192.0.2.9 . 4000 timeout 1h : 172.29.0.1, 192.0.2.9 . 4001 : 172.29.0.2 }
    }
    map verdicts { type inet_service : verdict; elements = { 53 : jump auth, 54 : drop, 55 : accept }; }
    chain prerouting { type filter hook prerouting priority -310; policy accept; }
    chain input { type filter hook input priority 30; policy drop; }
    chain output { type route hook output priority -300; policy accept; }
    chain auth { comment "regular"; }
    chain last { }
    chain nat { type nat hook postrouting priority 100; policy accept; }
    map addresses { type ifname . mark : ipv4_addr; elements = { "tun1" . 0x1 : 192.0.2.7 }; }
    map shares { type mark : verdict; flags interval; elements = { 0-9 : accept, 10-99 : goto last }; }
  }
  table netdev early {
    chain in { type filter hook ingress device lo priority -5; policy accept; }
  }
  table ip6 six { }
  add rule inet outer input ip daddr 192.0.2.1 udp dport 10000 jump auth comment "to our port"
  add rule inet outer input iifname @links fib saddr . iif oif missing counter drop
  add rule inet outer input iifname "tun1" fib saddr . iif oif exists return
  add rule inet outer input udp dport vmap @verdicts
  add rule inet outer input ip saddr != @sources accept
  add rule inet outer auth @th,64,4 4 udp length 81-90 goto last
  add rule inet outer auth udp length != 100-110 continue
  add rule inet outer auth limit rate over 5/second burst 10 packets drop
  add rule inet outer auth limit rate 3/minute burst 5 packets counter
  add rule inet outer auth update @sources { ip saddr limit rate over 5/second burst 10 packets } drop
  add rule inet outer auth add @sources { ip saddr timeout 5s }
  add rule inet outer last ip daddr set ip saddr . udp sport map @peers
  add rule inet outer prerouting notrack
  add rule inet outer prerouting ct status & snat != 0 ct direction reply accept
  add rule inet outer prerouting fib daddr type local fib daddr oifname "tun1" drop
  add rule inet outer prerouting meta l4proto tcp tproxy to :1
  add rule inet outer nat meta l4proto tcp snat ip to 192.0.2.7:1000-2000
  add rule inet outer nat snat ip to iifname . meta mark map @addresses
  add rule inet outer nat meta l4proto udp masquerade to :1000-2000
  add rule inet outer nat masquerade
  add rule inet outer nat meta mark vmap @shares
  add rule inet outer nat numgen random mod 100 offset 5 5
  add rule inet outer output meta mark 0x7 meta mark set 0x9 ip saddr set 192.0.2.1
`;

const inTable = { family: 'inet', table: 'outer' } as const;
const sources: SetSpec = {
  ...inTable,
  name: 'sources',
  key: ['ipv4_addr'],
  size: 1024,
  dynamic: true,
  defaultTimeoutMs: 60_000,
};
const links: SetSpec = { ...inTable, name: 'links', key: ['ifname'], comment: 'names' };
const hosts: SetSpec = { ...inTable, name: 'hosts', key: ['ipv6_addr', 'inet_proto', 'mark'] };
const peers: SetSpec = {
  ...inTable,
  name: 'peers',
  key: ['ipv4_addr', 'inet_service'],
  data: ['ipv4_addr'],
  timeouts: true,
};
const verdicts: SetSpec = { ...inTable, name: 'verdicts', key: ['inet_service'], data: 'verdict' };

const addresses: SetSpec = { ...inTable, name: 'addresses', key: ['ifname', 'mark'], data: ['ipv4_addr'] };
const shares: SetSpec = { ...inTable, name: 'shares', key: ['mark'], data: 'verdict', intervals: true };

const TCP = 6;
const UDP = 17;
const NFPROTO_IPV4 = 2;
const UDP_SPORT = 0;
const UDP_DPORT = 2;
const UDP_LENGTH = 4;
const IP_SADDR = 12;
const IP_DADDR = 16;

const is = (type: DataType, value: FieldValue): Expression =>
  cmp({ sreg: NFT_REG_1, op: NFT_CMP_EQ, data: encodeFields([type], [value]) });
const isIpv4 = [
  metaLoad({ key: NFT_META_NFPROTO, dreg: NFT_REG_1 }),
  cmp({ sreg: NFT_REG_1, op: NFT_CMP_EQ, data: Buffer.of(NFPROTO_IPV4) }),
];
const isUdp = [metaLoad({ key: NFT_META_L4PROTO, dreg: NFT_REG_1 }), is('inet_proto', UDP)];
const isTcp = [metaLoad({ key: NFT_META_L4PROTO, dreg: NFT_REG_1 }), is('inet_proto', TCP)];
function hostWord(value: number): Buffer {
  const word = Buffer.alloc(4);
  word.writeUInt32LE(value);
  return word;
}
const ipAddress = (offset: number): Expression =>
  payloadLoad({ base: NFT_PAYLOAD_NETWORK_HEADER, offset, length: 4, dreg: NFT_REG_1 });
const udpField = (offset: number, dreg = NFT_REG_1): Expression =>
  payloadLoad({ base: NFT_PAYLOAD_TRANSPORT_HEADER, offset, length: 2, dreg });
const writeAddress = (offset: number): Expression =>
  payloadWrite({
    base: NFT_PAYLOAD_NETWORK_HEADER,
    offset,
    length: 4,
    sreg: NFT_REG_1,
    checksumType: NFT_PAYLOAD_CSUM_INET,
    checksumOffset: 10,
    checksumFlags: NFT_PAYLOAD_L4CSUM_PSEUDOHDR,
  });
const iifname = metaLoad({ key: NFT_META_IIFNAME, dreg: NFT_REG_1 });
const routeBack = (present: 0 | 1): Expression[] => [
  fib({
    dreg: NFT_REG_1,
    result: NFT_FIB_RESULT_OIF,
    flags: NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT,
  }),
  cmp({ sreg: NFT_REG_1, op: NFT_CMP_EQ, data: Buffer.of(present, 0, 0, 0) }),
];
const port = (number: number): Buffer => encodeFields(['inet_service'], [number]);
const drop = immediateVerdict({ kind: 'drop' });

const rules: RuleSpec[] = (
  [
    [
      'input',
      [
        ...isIpv4,
        ipAddress(IP_DADDR),
        is('ipv4_addr', '192.0.2.1'),
        ...isUdp,
        udpField(UDP_DPORT),
        is('inet_service', 10000),
        immediateVerdict({ kind: 'jump', chain: 'auth' }),
      ],
    ],
    ['input', [iifname, lookup({ set: 'links', sreg: NFT_REG_1 }), ...routeBack(0), counter(), drop]],
    ['input', [iifname, is('ifname', 'tun1'), ...routeBack(1), immediateVerdict({ kind: 'return' })]],
    ['input', [...isUdp, udpField(UDP_DPORT), lookup({ set: 'verdicts', sreg: NFT_REG_1, dreg: NFT_REG_VERDICT })]],
    [
      'input',
      [
        ...isIpv4,
        ipAddress(IP_SADDR),
        lookup({ set: 'sources', sreg: NFT_REG_1, inverted: true }),
        immediateVerdict({ kind: 'accept' }),
      ],
    ],
    [
      'auth',
      [
        payloadLoad({ base: NFT_PAYLOAD_TRANSPORT_HEADER, offset: 8, length: 1, dreg: NFT_REG_1 }),
        bitwise({ sreg: NFT_REG_1, dreg: NFT_REG_1, mask: Buffer.of(0xf0) }),
        cmp({ sreg: NFT_REG_1, op: NFT_CMP_EQ, data: Buffer.of(0x40) }),
        ...isUdp,
        udpField(UDP_LENGTH),
        cmp({ sreg: NFT_REG_1, op: NFT_CMP_GTE, data: port(81) }),
        cmp({ sreg: NFT_REG_1, op: NFT_CMP_LTE, data: port(90) }),
        immediateVerdict({ kind: 'goto', chain: 'last' }),
      ],
    ],
    [
      'auth',
      [
        ...isUdp,
        udpField(UDP_LENGTH),
        range({ sreg: NFT_REG_1, op: NFT_RANGE_NEQ, from: port(100), to: port(110) }),
        immediateVerdict({ kind: 'continue' }),
      ],
    ],
    ['auth', [limit({ packets: 5, burst: 10, over: true }), drop]],
    ['auth', [limit({ packets: 3, perSeconds: 60, burst: 5 }), counter()]],
    [
      'auth',
      [
        ...isIpv4,
        ipAddress(IP_SADDR),
        dynset({
          set: 'sources',
          op: 'update',
          sregKey: NFT_REG_1,
          attached: limit({ packets: 5, burst: 10, over: true }),
        }),
        drop,
      ],
    ],
    [
      'auth',
      [...isIpv4, ipAddress(IP_SADDR), dynset({ set: 'sources', op: 'add', sregKey: NFT_REG_1, timeoutMs: 5000 })],
    ],
    [
      'last',
      [
        ...isIpv4,
        ...isUdp,
        ipAddress(IP_SADDR),
        udpField(UDP_SPORT, NFT_REG32_01),
        lookup({ set: 'peers', sreg: NFT_REG_1, dreg: NFT_REG_1 }),
        writeAddress(IP_DADDR),
      ],
    ],
    ['prerouting', [notrack()]],
    [
      'prerouting',
      [
        ctLoad({ key: NFT_CT_STATUS, dreg: NFT_REG_1 }),
        bitwise({ sreg: NFT_REG_1, dreg: NFT_REG_1, mask: hostWord(IPS_SRC_NAT) }),
        cmp({ sreg: NFT_REG_1, op: NFT_CMP_NEQ, data: hostWord(0) }),
        ctLoad({ key: NFT_CT_DIRECTION, dreg: NFT_REG_1 }),
        cmp({ sreg: NFT_REG_1, op: NFT_CMP_EQ, data: Buffer.of(IP_CT_DIR_REPLY) }),
        immediateVerdict({ kind: 'accept' }),
      ],
    ],
    [
      'prerouting',
      [
        fib({ dreg: NFT_REG_1, result: NFT_FIB_RESULT_ADDRTYPE, flags: NFTA_FIB_F_DADDR }),
        cmp({ sreg: NFT_REG_1, op: NFT_CMP_EQ, data: hostWord(2) }),
        fib({ dreg: NFT_REG_1, result: NFT_FIB_RESULT_OIFNAME, flags: NFTA_FIB_F_DADDR }),
        is('ifname', 'tun1'),
        drop,
      ],
    ],
    [
      'prerouting',
      [
        ...isTcp,
        immediateData({ dreg: NFT_REG_1, data: port(1) }),
        tproxy({ family: 'inet', portRegister: NFT_REG_1 }),
      ],
    ],
    [
      'nat',
      [
        ...isTcp,
        immediateData({ dreg: NFT_REG_1, data: encodeFields(['ipv4_addr'], ['192.0.2.7']) }),
        immediateData({ dreg: NFT_REG_2, data: port(1000) }),
        immediateData({ dreg: NFT_REG_3, data: port(2000) }),
        snat({ family: 'ip', addressRegister: NFT_REG_1, ports: { from: NFT_REG_2, to: NFT_REG_3 } }),
      ],
    ],
    [
      'nat',
      [
        iifname,
        metaLoad({ key: NFT_META_MARK, dreg: NFT_REG32_04 }),
        lookup({ set: 'addresses', sreg: NFT_REG_1, dreg: NFT_REG_1 }),
        snat({ family: 'ip', addressRegister: NFT_REG_1 }),
      ],
    ],
    [
      'nat',
      [
        ...isUdp,
        immediateData({ dreg: NFT_REG_1, data: port(1000) }),
        immediateData({ dreg: NFT_REG_2, data: port(2000) }),
        masquerade({ from: NFT_REG_1, to: NFT_REG_2 }),
      ],
    ],
    ['nat', [masquerade()]],
    [
      'nat',
      [
        metaLoad({ key: NFT_META_MARK, dreg: NFT_REG_1 }),
        byteorder({ sreg: NFT_REG_1, dreg: NFT_REG_1, op: NFT_BYTEORDER_HTON, length: 4, size: 4 }),
        lookup({ set: 'shares', sreg: NFT_REG_1, dreg: NFT_REG_VERDICT }),
      ],
    ],
    ['nat', [numgen({ dreg: NFT_REG_1, modulus: 100, offset: 5 }), is('mark', 5)]],
    [
      'output',
      [
        metaLoad({ key: NFT_META_MARK, dreg: NFT_REG_1 }),
        is('mark', 7),
        immediateData({ dreg: NFT_REG_1, data: encodeFields(['mark'], [9]) }),
        metaWrite({ key: NFT_META_MARK, sreg: NFT_REG_1 }),
        ...isIpv4,
        immediateData({ dreg: NFT_REG_1, data: encodeFields(['ipv4_addr'], ['192.0.2.1']) }),
        writeAddress(IP_SADDR),
      ],
    ],
  ] satisfies [string, Expression[]][]
).map(([chain, expressions], index) => ({
  ...inTable,
  chain,
  expressions,
  ...(index === 0 && { comment: 'to our port' }),
}));

function ourBatch(): Batch {
  const batch = new Batch()
    .replaceTable({ family: 'inet', name: 'outer', comment: 'as nft makes it' })
    .addSet(sources)
    .addSet(links)
    .addSet(hosts)
    .addSet(peers)
    .addSet(verdicts)
    .addChain({ ...inTable, name: 'prerouting', base: base('filter', 'prerouting', -310, 'accept') })
    .addChain({ ...inTable, name: 'input', base: base('filter', 'input', 30, 'drop') })
    .addChain({ ...inTable, name: 'output', base: base('route', 'output', -300, 'accept') })
    .addChain({ ...inTable, name: 'auth', comment: 'regular' })
    .addChain({ ...inTable, name: 'last' })
    .addChain({ ...inTable, name: 'nat', base: base('nat', 'postrouting', 100, 'accept') })
    .addSet(addresses)
    .addSet(shares)
    .addElements(addresses, [{ key: encodeFields(addresses.key, ['tun1', 1]), data: address('192.0.2.7') }])
    .addElements(shares, [
      { key: networkWord(0), data: { kind: 'accept' } },
      { key: networkWord(10), isIntervalEnd: true },
      { key: networkWord(10), data: { kind: 'goto', chain: 'last' } },
      { key: networkWord(100), isIntervalEnd: true },
    ])
    .addElements(links, [
      { key: encodeFields(links.key, ['eth0']) },
      { key: encodeFields(links.key, ['tun1']), comment: 'second' },
    ])
    .addElements(hosts, [{ key: encodeFields(hosts.key, ['2001:db8::1', UDP, 7]) }])
    .addElements(peers, [
      { key: encodeFields(peers.key, ['192.0.2.9', 4000]), data: address('172.29.0.1'), timeoutMs: 3_600_000 },
      { key: encodeFields(peers.key, ['192.0.2.9', 4001]), data: address('172.29.0.2') },
    ])
    .addElements(verdicts, [
      { key: port(53), data: { kind: 'jump', chain: 'auth' } },
      { key: port(54), data: { kind: 'drop' } },
      { key: port(55), data: { kind: 'accept' } },
    ])
    .addTable({ family: 'netdev', name: 'early' })
    .addChain({
      family: 'netdev',
      table: 'early',
      name: 'in',
      base: { ...base('filter', 'ingress', -5, 'accept'), device: 'lo' },
    })
    .addTable({ family: 'ip6', name: 'six' });
  for (const rule of rules) batch.addRule(rule);
  return batch;
}

const base = <H extends string>(
  type: 'filter' | 'route' | 'nat',
  hook: H,
  priority: number,
  policy: 'accept' | 'drop',
) => ({ type, hook, priority, policy }) as const;
/** Keys of intervals are compared from the left, so they are in network order whatever their type. */
const networkWord = (value: number): Buffer => hostWord(value).reverse();
const address = (text: string): Buffer => encodeFields(['ipv4_addr'], [text]);

describeInNamespace('a ruleset in the kernel', (namespace) => {
  let client: NftablesClient;

  before(() => {
    client = namespace().inside(() => NftablesClient.open());
  });
  beforeEach(() => {
    namespace().run('nft', 'flush', 'ruleset');
  });
  after(() => {
    client.close();
  });

  it('is listed by nft like one that nft made', async () => {
    namespace().loadRuleset(SCRIPT);
    const expected = namespace().listRuleset();
    namespace().run('nft', 'flush', 'ruleset');
    await client.commit(ourBatch());
    assert.deepEqual(namespace().listRuleset(), expected);
  });

  it('is not disturbed by being replaced by itself', async () => {
    await client.commit(ourBatch());
    const expected = namespace().listRuleset();
    await client.commit(ourBatch());
    assert.deepEqual(namespace().listRuleset(), expected);
  });

  it('is listed by us with the very expressions asked for', async () => {
    await client.commit(ourBatch());
    assertRules(await client.rules('inet', 'outer'));
  });

  it('made by nft has the expressions that ours has', async () => {
    namespace().loadRuleset(SCRIPT);
    assertRules(await client.rules('inet', 'outer'));
  });

  it('is read back whole: tables, chains, sets, elements', async () => {
    namespace().loadRuleset(SCRIPT);
    const [table] = await client.tables('inet');
    assert.equal(table?.comment, 'as nft makes it');
    assert.deepEqual(await client.table({ family: 'inet', name: 'outer' }), table);

    const chains = await client.chains('inet', 'outer');
    assert.deepEqual(
      chains.map(({ name, base: hook }) => [name, hook?.hook, hook?.priority, hook?.policy]),
      [
        ['prerouting', 'prerouting', -310, 'accept'],
        ['input', 'input', 30, 'drop'],
        ['output', 'output', -300, 'accept'],
        ['auth', undefined, undefined, undefined],
        ['last', undefined, undefined, undefined],
        ['nat', 'postrouting', 100, 'accept'],
      ],
    );
    assert.equal(chains.find(({ name }) => name === 'auth')?.comment, 'regular');
    const [early] = await client.chains('netdev', 'early');
    assert.deepEqual(early?.base, { type: 'filter', hook: 'ingress', priority: -5, policy: 'accept', device: 'lo' });

    const sets = await client.sets('inet', 'outer');
    const { size, defaultTimeoutMs, dynamic, timeouts } = sets.find(({ name }) => name === 'sources')!;
    assert.deepEqual([size, defaultTimeoutMs, dynamic, timeouts], [1024, 60_000, true, true]);
    assert.equal(sets.find(({ name }) => name === 'shares')?.intervals, true);
    for (const wanted of [sources, links, hosts, peers, verdicts, addresses, shares]) {
      const listed = sets.find(({ name }) => name === wanted.name);
      assert.deepEqual([listed?.key, listed?.data, listed?.comment], [wanted.key, wanted.data, wanted.comment]);
    }

    const elements = await client.elements(peers);
    const first = elements.find(({ key }) => key.equals(encodeFields(peers.key, ['192.0.2.9', 4000])));
    assert.deepEqual([first?.data, first?.timeoutMs], [address('172.29.0.1'), 3_600_000]);
    assert.ok(first!.expirationMs! > 3_590_000 && first!.expirationMs! <= 3_600_000);
    const names = await client.elements(links);
    assert.deepEqual(names.map(({ comment }) => comment).sort(), ['second', undefined]);
    const jump = (await client.elements(verdicts)).find(({ key }) => key.equals(port(53)));
    assert.deepEqual(jump?.data, { kind: 'jump', chain: 'auth' });
  });

  it('learns map elements from packets by a rule that is listed as asked for', async () => {
    const inT = { family: 'ip', table: 't' } as const;
    const learning = [
      payloadLoad({ base: NFT_PAYLOAD_NETWORK_HEADER, offset: IP_SADDR, length: 4, dreg: NFT_REG32_00 }),
      immediateData({ dreg: NFT_REG32_01, data: port(53) }),
      dynset({ set: 'learnt', op: 'update', sregKey: NFT_REG32_00, sregData: NFT_REG32_01, timeoutMs: 5000 }),
    ];
    await client.commit(
      new Batch()
        .addTable({ family: 'ip', name: 't' })
        .addSet({
          ...inT,
          name: 'learnt',
          key: ['ipv4_addr'],
          data: ['inet_service'],
          timeouts: true,
          dynamic: true,
          size: 9,
        })
        .addChain({ ...inT, name: 'c' })
        .addRule({ ...inT, chain: 'c', expressions: learning }),
    );
    const [rule] = await client.rules('ip', 't');
    assert.ok(sameExpressions(learning, rule!.expressions));
  });
});

function assertRules(
  listed: readonly { chain: string; comment: string | undefined; expressions: readonly Expression[] }[],
): void {
  for (const chain of ['prerouting', 'input', 'auth', 'last', 'nat', 'output']) {
    const wantedHere = rules.filter((rule) => rule.chain === chain);
    const listedHere = listed.filter((rule) => rule.chain === chain);
    assert.equal(listedHere.length, wantedHere.length);
    wantedHere.forEach((wanted, index) => {
      const { expressions, comment } = listedHere[index]!;
      assert.equal(comment, wanted.comment);
      assert.ok(sameExpressions(wanted.expressions, expressions), `rule ${index + 1} of chain ${chain}`);
    });
  }
}
