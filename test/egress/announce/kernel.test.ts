/** Announced pools, judged by hosts on the link that ask for their addresses. */
import assert from 'node:assert/strict';
import { AnnounceTable } from '../../../src/egress/announce/table.js';
import { MulticastReception } from '../../../src/sys/multicast-reception.js';
import { describeInNamespace, TestNamespace } from '../../support/namespace.js';
import { pool } from '../make.js';

const COMMENT = 'ipipou-ts announcements of a test';

/** Sends a frame given in hex by a device, and prints those that come within a second, in hex. */
const EXCHANGE = `
import socket, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind((sys.argv[1], 0))
s.settimeout(0.1)
s.send(bytes.fromhex(sys.argv[2]))
end = time.time() + 1
while time.time() < end:
    try: data, sender = s.recvfrom(2000)
    except TimeoutError: continue
    if sender[2] != 4: print(data.hex())
`;

describeInNamespace('announced pools', (server) => {
  let asker: TestNamespace;
  let table: AnnounceTable;
  let mac: Buffer;
  let index: number;

  before(() => {
    asker = new TestNamespace();
    server().run('ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth', 'netns', asker.name);
    for (const [namespace, device, v4, v6] of [
      [server(), 'eth0', '10.9.0.1/24', 'fd09::1/64'],
      [asker, 'eth', '10.9.0.2/24', 'fd09::2/64'],
    ] as const) {
      namespace.run('ip', 'addr', 'add', v4, 'dev', device);
      namespace.run('ip', 'addr', 'add', v6, 'dev', device, 'nodad');
      namespace.run('ip', 'link', 'set', device, 'up');
    }
    asker.run('ping', '-c', '1', '-w', '10', 'fd09::1');
    const [, address = '', number = ''] =
      /^(\S+) (\d+)$/.exec(
        server().run('sh', '-c', 'echo $(cat /sys/class/net/eth0/address) $(cat /sys/class/net/eth0/ifindex)').trim(),
      ) ?? [];
    mac = Buffer.from(address.replaceAll(':', ''), 'hex');
    index = Number(number);
    table = server().inside(() => AnnounceTable.open('announce', COMMENT));
  });
  after(async () => {
    await table.remove();
    table.close();
    asker.remove();
  });

  const wanted = (addresses: string) => ({ device: { name: 'eth0', index, mac }, addresses: pool(addresses) });
  /** Which hardware address the asker finds for an address, by its own kernel. */
  const resolved = (address: string): string | undefined => {
    asker.run('ip', 'neigh', 'flush', 'dev', 'eth');
    try {
      asker.run('ping', '-c', '1', '-W', '1', '-w', '2', address);
    } catch {
      // Nobody answers the ping itself.
    }
    return / lladdr (\S+) /.exec(asker.run('ip', 'neigh', 'show', address))?.[1];
  };
  const hex = (text: string): string => text.replaceAll(':', '');
  const serverMac = (): string => mac.toString('hex');
  const askerMac = (): string => hex(asker.run('cat', '/sys/class/net/eth/address').trim());
  const exchange = (frame: string): string[] =>
    asker
      .run('python3', '-c', EXCHANGE, 'eth', frame)
      .split('\n')
      .filter((line) => line !== '');

  it('are answered for by ARP and by neighbour discovery, and nothing else is', async () => {
    await table.install(wanted('10.9.0.64/26 fd09::1:0/112'));
    for (const address of ['10.9.0.65', '10.9.0.126', 'fd09::1:0', 'fd09::1:1234', 'fd09::1:ffff']) {
      assert.equal(hex(resolved(address) ?? 'none'), serverMac(), address);
    }
    for (const address of ['10.9.0.63', '10.9.0.200', 'fd09::2:0', 'fd09::ffff']) {
      assert.equal(resolved(address), undefined, address);
    }
  }).timeout(60_000);

  it('cost a table of the same size for a /64 and for an address', async () => {
    await table.install(wanted('fd09:0:0:1::/64'));
    asker.run('ip', 'route', 'add', 'fd09:0:0:1::/64', 'dev', 'eth');
    assert.equal(hex(resolved('fd09:0:0:1:89ab:cdef:123:4567') ?? 'none'), serverMac());
    const large = server().run('nft', 'list', 'table', 'netdev', 'announce').split('\n').length;
    await table.install(wanted('fd09:0:0:1::1'));
    assert.equal(server().run('nft', 'list', 'table', 'netdev', 'announce').split('\n').length, large);
  }).timeout(30_000);

  it('are answered for as RFC 826 has it, in every byte', async () => {
    await table.install(wanted('10.9.0.64/26'));
    const [me, us] = [askerMac(), serverMac()];
    const request = `ffffffffffff${me}08060001080006040001${me}0a0900020000000000000a090046`;
    const [answer] = exchange(request).filter((frame) => frame.startsWith(me));
    assert.equal(answer?.slice(0, 84), `${me}${us}08060001080006040002${us}0a090046${me}0a090002`);
  });

  it('are answered for as RFC 4861 has it, in every byte', async () => {
    await table.install(wanted('fd09::1:0/112'));
    const [me, us] = [askerMac(), serverMac()];
    const asked = 'fd090000000000000000000000010007';
    const from = 'fd090000000000000000000000000002';
    const group = 'ff0200000000000000000001ff010007';
    const body = `00000000${asked}0101${me}`;
    const request = `3333ff010007${me}86dd6000000000203aff${from}${group}${icmp('8700', from, group, body)}`;
    const advertisement = `60000000${asked}0201${us}`;
    const answer = `${me}${us}86dd6000000000203aff${asked}${from}${icmp('8800', asked, from, advertisement)}`;
    assert.ok(exchange(request).includes(answer), 'to the group');
    const unicast = `${us}${me}86dd6000000000183aff${from}${asked}${icmp('8700', from, asked, `00000000${asked}`)}`;
    const short = `${me}${us}86dd6000000000183aff${asked}${from}${icmp('8800', asked, from, `60000000${asked}`)}`;
    assert.ok(exchange(unicast).includes(short), 'to this host, without an option');
    const nodes = 'ff020000000000000000000000000001';
    const none = '0'.repeat(32);
    const detection = `3333ff010007${me}86dd6000000000183aff${none}${group}${icmp('8700', none, group, `00000000${asked}`)}`;
    const taken = `333300000001${us}86dd6000000000183aff${asked}${nodes}${icmp('8800', asked, nodes, `20000000${asked}`)}`;
    assert.ok(exchange(detection).includes(taken), 'to whoever wants the address for itself');
    const routed = request.replace('3aff', '3afe');
    assert.ok(!exchange(routed).some((frame) => frame.includes(`3aff${asked}`)), 'not to what came from elsewhere');
  }).timeout(30_000);

  it('keep a host from taking an address of theirs for itself', async () => {
    await table.install(wanted('fd09::1:0/112'));
    asker.run('ip', 'addr', 'add', 'fd09::1:5/64', 'dev', 'eth');
    try {
      let shown = '';
      do shown = asker.run('ip', '-6', 'addr', 'show', 'dev', 'eth', 'to', 'fd09::1:5');
      while (shown.includes('tentative') && !shown.includes('dadfailed'));
      assert.match(shown, /dadfailed/);
    } finally {
      asker.run('ip', 'addr', 'del', 'fd09::1:5/64', 'dev', 'eth');
    }
  }).timeout(30_000);

  it('are compared with what should be there, and found the same or not', async () => {
    await table.install(wanted('10.9.0.64/26 fd09::1:0/112'));
    assert.deepEqual(await table.compare(wanted('10.9.0.64/26')), []);
    server().run('nft', 'flush', 'chain', 'netdev', 'announce', 'announce');
    assert.deepEqual(await table.compare(wanted('10.9.0.64/26')), ['has other rules in its chain announce']);
    server().run('nft', 'flush', 'ruleset');
    assert.deepEqual(await table.compare(wanted('10.9.0.64/26')), ['is gone']);
  });

  it('have a device take in all multicast while that is wanted', () => {
    const count = (): string => server().run('sh', '-c', 'ip -d link show eth0 | grep -o "allmulti [0-9]*"').trim();
    const before = count();
    const reception = server().inside(() => MulticastReception.open());
    reception.add(index);
    assert.notEqual(count(), before);
    reception.close();
    assert.equal(count(), before);
  });
});

/** An ICMPv6 message with its checksum (RFC 8200, 8.1). */
function icmp(head: string, source: string, destination: string, body: string): string {
  const length = (head.length + 4 + body.length) / 2;
  const pseudo = `${source}${destination}${length.toString(16).padStart(8, '0')}0000003a`;
  const words = `${pseudo}${head}0000${body}`.match(/.{4}/g) ?? [];
  let sum = words.reduce((total, word) => total + Number.parseInt(word, 16), 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return `${head}${(~sum & 0xffff).toString(16).padStart(4, '0')}${body}`;
}
