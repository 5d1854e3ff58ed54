import assert from 'node:assert/strict';
import { release } from 'node:os';
import { before, describe, it } from 'mocha';
import {
  answersPing,
  exec,
  inside,
  makeNatRouter,
  natTopology,
  pairTopology,
  rawSender,
  start,
  startCapture,
  startPing,
  suiteScope,
  udpSocket,
  waitUntil,
} from './support/index.js';
import type { Namespace, NatTopology } from './support/index.js';
import { skipBecause } from '../support/skip.js';

const PORT = 10_000;

describe('the lab', () => {
  it('runs the kernel it was asked for', function () {
    const wanted = process.env['LAB_KERNEL'];
    if (wanted === undefined) skipBecause(this, 'on the host itself');
    assert.ok(release().startsWith(`${wanted}.`), release());
  });

  for (const module of ['fou', 'ipip', 'nf_tables', 'nft_queue', 'nfnetlink_queue', 'tun']) {
    it(`has the module ${module}`, () => exec(['modprobe', module]));
  }

  it('has a clock that is right', () => {
    assert.ok(Date.now() > Date.UTC(2025, 0));
  });
});

describe('a FOU tunnel made by hand, through a NAT router', () => {
  const scope = suiteScope();
  let net: NatTopology;

  /** The tunnel's end in one namespace, as ip-fou(8) has it. */
  const makeEnd = (ns: Namespace, local: string, remote: string, inner: string) =>
    ns.ip(
      `fou add port ${PORT} ipproto 4`,
      `link add t0 type ipip local ${local} remote ${remote} encap fou encap-sport ${PORT} encap-dport ${PORT}`,
      `addr add ${inner}/24 dev t0`,
      'link set t0 up',
    );

  before(async () => {
    net = await natTopology(scope);
    await exec(['modprobe', '-a', 'fou', 'ipip']);
    await makeEnd(net.client, net.clientAddress, net.serverAddress, '172.28.0.2');
    await makeEnd(net.server, net.serverAddress, net.natAddress, '172.28.0.1');
  });

  it('answers every ping from behind the NAT', async () => {
    const outer = await startCapture(scope, net.server, 'wan', `udp port ${PORT}`);
    const { sent, lost, unanswered } = await startPing(scope, net.client, '172.28.0.1', {
      count: 10,
      intervalMs: 20,
    }).done();
    assert.deepEqual({ sent, lost, unanswered }, { sent: 10, lost: [], unanswered: 0 });
    assert.equal(await waitUntil(() => outer.count >= 20 && outer.count, { what: '20 outer packets' }), 20);
    assert.equal(await outer.stop(), 20);
  });

  it('hides the client: the server has no way to its real address', async () => {
    assert.equal(await answersPing(net.server, net.clientAddress, 2), false);
  });

  it('tells of lost packets by their numbers', async () => {
    const pinging = startPing(scope, net.client, '172.28.0.1', { intervalMs: 20 });
    const answeredAfter = (sequence: number) => () => pinging.received.some((seen) => seen > sequence);
    await waitUntil(answeredAfter(3), { what: 'the first answers' });
    await net.server.ip('link set t0 down');
    const before = pinging.received.at(-1)!;
    await waitUntil(() => net.client.exec(['sleep', '0.2']).then(() => true), { what: 'some pings to get lost' });
    await net.server.ip('link set t0 up');
    await waitUntil(answeredAfter(before + 1), { what: 'answers after the gap' });
    const { lost, received } = await pinging.stop();
    assert.ok(lost.length > 0);
    assert.ok(lost.every((sequence) => !received.includes(sequence)));
  });
});

describe('sockets inside a namespace', () => {
  const scope = suiteScope();

  it('receive what a raw sender forges, with the forged source', async () => {
    const { a, b } = await pairTopology(scope);
    const receiver = udpSocket(scope, b, '10.9.3.2', PORT);
    const got: string[] = [];
    receiver.on('message', (data, from) => got.push(`${from.address}:${from.port} ${data.toString()}`));

    // Loose on purpose: a strict check of the source would drop what this is about.
    await b.sysctl({ 'net.ipv4.conf.all.rp_filter': 0, 'net.ipv4.conf.eth.rp_filter': 0 });
    const sender = rawSender(scope, a);
    for (const payload of ['one', 'two']) {
      sender.udp({ from: '192.0.2.7:4321', to: `10.9.3.2:${PORT}`, payload: Buffer.from(payload) });
    }
    await waitUntil(() => got.length === 2, { what: 'both datagrams' });
    assert.deepEqual(got, ['192.0.2.7:4321 one', '192.0.2.7:4321 two']);
  });

  it('leave the test itself where it was', async () => {
    const { a } = await pairTopology(scope);
    const here = (await exec(['readlink', '/proc/self/ns/net'])).stdout;
    assert.throws(() =>
      inside(a, () => {
        throw new Error('on purpose');
      }),
    );
    assert.equal((await exec(['readlink', '/proc/self/ns/net'])).stdout, here);
    assert.notEqual((await a.exec(['readlink', '/proc/self/ns/net'])).stdout, here);
  });
});

describe('the NAT router', () => {
  const scope = suiteScope();

  it('gives a flow the port it is told, and forgets flows when it is told another', async () => {
    const { client, router, server, natAddress, serverAddress } = await natTopology(scope);
    const echo = udpSocket(scope, server, serverAddress, PORT);
    const seen: string[] = [];
    echo.on('message', (data, from) => {
      seen.push(`${from.address}:${from.port}`);
      echo.send(data, from.port, from.address);
    });
    const sender = udpSocket(scope, client, '0.0.0.0', PORT);
    let answers = 0;
    sender.on('message', () => (answers += 1));

    for (const [index, port] of [40_001, 40_002].entries()) {
      await makeNatRouter(router, 'wan', port);
      sender.send('hello', PORT, serverAddress);
      await waitUntil(() => answers === index + 1, { what: `the answer through port ${port}` });
    }
    assert.deepEqual(seen, [`${natAddress}:40001`, `${natAddress}:40002`]);
  });
});

describe('a process beside the test', () => {
  const scope = suiteScope();

  it('is heard while it runs, and reached by signals', async () => {
    const { a } = await pairTopology(scope);
    const process = start(scope, a, [
      'sh',
      '-c',
      'trap "echo bye; exit 3" TERM; echo hello; while :; do sleep 0.05; done',
    ]);
    await process.waitForLog(/hello/);
    assert.deepEqual(await process.kill('SIGTERM'), { code: 3, signal: null });
    assert.match(process.log, /bye/);
  });

  it('that ends without the awaited word is reported at once, with its log', async () => {
    const { a } = await pairTopology(scope);
    const process = start(scope, a, ['sh', '-c', 'echo sorry >&2; exit 1']);
    await assert.rejects(process.waitForLog(/ready/), /sorry/);
  });
});
