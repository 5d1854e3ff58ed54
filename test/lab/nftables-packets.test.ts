/** Rules made by our client, judged by what happens to packets. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:dgram';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import {
  Batch,
  NFTA_FIB_F_IIF,
  NFTA_FIB_F_PRESENT,
  NFTA_FIB_F_SADDR,
  NFT_CMP_EQ,
  NFT_FIB_RESULT_OIF,
  NFT_META_L4PROTO,
  NFT_PAYLOAD_CSUM_INET,
  NFT_PAYLOAD_L4CSUM_PSEUDOHDR,
  NFT_PAYLOAD_NETWORK_HEADER,
  NFT_PAYLOAD_TRANSPORT_HEADER,
  NFT_REG32_01,
  NFT_REG_1,
  NftablesClient,
  cmp,
  counter,
  decodeCounter,
  dynset,
  encodeFields,
  fib,
  immediateVerdict,
  limit,
  lookup,
  metaLoad,
  payloadLoad,
  payloadWrite,
  queue,
  type Expression,
  type SetSpec,
} from '../../src/netlink/nftables/index.js';
import { PacketQueue } from '../../src/netlink/queue/client.js';
import { inside, pairTopology, rawSender, suiteScope, udpSocket, waitUntil } from './support/index.js';
import type { Namespace, RawSender } from './support/index.js';

const PORT = 10_000;
const QUEUE = 77;
const SENDER = '10.9.3.1';
const PUBLIC = '10.9.3.2';
const INTERNAL = '10.9.3.77';
/** Lets the test know that what was sent before it has arrived, or never will. */
const LAST_PORT = 20_000;

const table = { family: 'ip', name: 'packets' } as const;
const chain = { family: 'ip', table: 'packets', name: 'input' } as const;
const inChain = { family: 'ip', table: 'packets', chain: 'input' } as const;

const ipLoad = (offset: number): Expression =>
  payloadLoad({ base: NFT_PAYLOAD_NETWORK_HEADER, offset, length: 4, dreg: NFT_REG_1 });
const udpLoad = (offset: number, dreg = NFT_REG_1): Expression =>
  payloadLoad({ base: NFT_PAYLOAD_TRANSPORT_HEADER, offset, length: 2, dreg });
const SADDR = ipLoad(12);
const toOurPort: Expression[] = [
  metaLoad({ key: NFT_META_L4PROTO, dreg: NFT_REG_1 }),
  cmp({ sreg: NFT_REG_1, op: NFT_CMP_EQ, data: Buffer.of(17) }),
  udpLoad(2),
  cmp({ sreg: NFT_REG_1, op: NFT_CMP_EQ, data: encodeFields(['inet_service'], [PORT]) }),
];
const drop = immediateVerdict({ kind: 'drop' });

describe('rules over netlink', () => {
  const scope = suiteScope();
  let here: Namespace;
  let sender: RawSender;
  let plain: Socket;
  let client: NftablesClient;
  let received: string[];
  let last: number;

  before(async () => {
    const { a, b } = await pairTopology(scope);
    here = b;
    await here.ip(`addr add ${INTERNAL}/32 dev lo`);
    sender = rawSender(scope, a);
    plain = udpSocket(scope, a, SENDER, 4321);
    for (const address of [PUBLIC, INTERNAL]) {
      udpSocket(scope, here, address, PORT).on('message', (data) => received.push(`${address} ${data.toString()}`));
    }
    udpSocket(scope, here, PUBLIC, LAST_PORT).on('message', () => (last += 1));
    client = inside(here, () => NftablesClient.open());
    scope.defer(() => {
      client.close();
      return undefined;
    });
  });
  beforeEach(() => {
    received = [];
    last = 0;
  });
  afterEach(async () => {
    await client.commit(new Batch().replaceTable(table).deleteTable(table));
  });

  const emptyInput = (): Batch =>
    new Batch()
      .replaceTable(table)
      .addChain({ ...chain, base: { type: 'filter', hook: 'input', priority: 30, policy: 'accept' } });

  /** Sends datagrams without a UDP checksum, from any source. */
  const send = (from: string, ...payloads: string[]): void => {
    for (const payload of payloads) sender.udp({ from, to: `${PUBLIC}:${PORT}`, payload: Buffer.from(payload) });
  };
  const everythingArrived = async (): Promise<void> => {
    const before = last;
    plain.send('last', LAST_PORT, PUBLIC);
    await waitUntil(() => last > before, { what: 'the last packet' });
  };
  const counts = async (): Promise<bigint[]> => {
    const expressions = (await client.rules('ip', 'packets')).flatMap((rule) => rule.expressions);
    return expressions
      .filter(({ name }) => name === 'counter')
      .map((expression) => {
        const result = decodeCounter(expression);
        assert.ok(result.ok);
        return result.value.packets;
      });
  };

  it('queue without bypass: nobody listens, nobody passes; then the listener decides', async () => {
    await client.commit(emptyInput().addRule({ ...inChain, expressions: [...toOurPort, counter(), queue(QUEUE)] }));
    assert.match(await here.nftList('chain ip packets input'), /queue (num|to) 77$/m);
    send(`${SENDER}:5000`, 'unheard');
    await everythingArrived();
    assert.deepEqual([received, await counts()], [[], [1n]]);

    const queued = await inside(here, () =>
      PacketQueue.open({
        queueNumber: QUEUE,
        maxLength: 100,
        copyRangeBytes: 200,
        onPackets: (packets) => {
          for (const { id, payload } of packets) queued.verdict(id, payload.includes('yes') ? 'accept' : 'drop');
        },
        onError: (error) => {
          throw error;
        },
      }),
    );
    try {
      send(`${SENDER}:5000`, 'no', 'yes');
      await waitUntil(() => received.length > 0, { what: 'the accepted packet' });
      assert.deepEqual(received, [`${PUBLIC} yes`]);
    } finally {
      queued.close();
    }
  });

  it('rewrite the destination by a map, with right checksums, for as long as the element lives', async () => {
    const peers: SetSpec = {
      family: 'ip',
      table: 'packets',
      name: 'peers',
      key: ['ipv4_addr', 'inet_service'],
      data: ['ipv4_addr'],
      timeouts: true,
    };
    const endpoint = (port: number): Buffer => encodeFields(peers.key, [SENDER, port]);
    const element = (port: number) => ({
      key: endpoint(port),
      data: encodeFields(['ipv4_addr'], [INTERNAL]),
      timeoutMs: 600_000,
    });
    await client.commit(
      emptyInput()
        .addSet(peers)
        .addElements(peers, [element(4321), element(5000)])
        .addRule({
          ...inChain,
          expressions: [
            ...toOurPort,
            SADDR,
            udpLoad(0, NFT_REG32_01),
            lookup({ set: 'peers', sreg: NFT_REG_1, dreg: NFT_REG_1 }),
            payloadWrite({
              base: NFT_PAYLOAD_NETWORK_HEADER,
              offset: 16,
              length: 4,
              sreg: NFT_REG_1,
              checksumType: NFT_PAYLOAD_CSUM_INET,
              checksumOffset: 10,
              checksumFlags: NFT_PAYLOAD_L4CSUM_PSEUDOHDR,
            }),
            counter(),
            immediateVerdict({ kind: 'accept' }),
          ],
        })
        .addRule({ ...inChain, expressions: [...toOurPort, counter(), drop] }),
    );
    plain.send('with checksum', PORT, PUBLIC);
    await waitUntil(() => received.length === 1, { what: 'the checksummed packet' });
    send(`${SENDER}:5000`, 'without');
    send(`${SENDER}:5001`, 'of no peer');
    await everythingArrived();
    assert.deepEqual(received, [`${INTERNAL} with checksum`, `${INTERNAL} without`]);
    assert.deepEqual(await counts(), [2n, 1n]);

    await client.commit(new Batch().deleteElements(peers, [element(5000)]).addElements(peers, [element(5002)]));
    send(`${SENDER}:5000`, 'from the old place');
    send(`${SENDER}:5002`, 'from the new');
    await everythingArrived();
    assert.deepEqual(received.slice(2), [`${INTERNAL} from the new`]);

    await client.commit(new Batch().putElements(peers, [{ ...element(5002), timeoutMs: 100 }]));
    await waitUntil(async () => (await client.elements(peers)).length === 1, { what: 'the end of its time' });
    send(`${SENDER}:5002`, 'too late');
    await everythingArrived();
    assert.equal(received.length, 3);
  });

  it('give every source a budget of its own, and all of them one', async () => {
    const sources: SetSpec = {
      family: 'ip',
      table: 'packets',
      name: 'sources',
      key: ['ipv4_addr'],
      dynamic: true,
      size: 2,
      defaultTimeoutMs: 3_600_000,
    };
    const hourly = (burst: number) => limit({ packets: 1, perSeconds: 3600, burst, over: true });
    await client.commit(
      emptyInput()
        .addSet(sources)
        .addRule({
          ...inChain,
          expressions: [
            ...toOurPort,
            SADDR,
            dynset({ set: 'sources', op: 'update', sregKey: NFT_REG_1, attached: hourly(3) }),
            counter(),
            drop,
          ],
        })
        .addRule({ ...inChain, expressions: [...toOurPort, hourly(5), counter(), drop] }),
    );
    const many = Array.from({ length: 8 }, (_, index) => String(index));
    send('10.9.3.101:1', ...many);
    await everythingArrived();
    assert.equal(received.length, 3, 'the first source has spent its own budget');
    send('10.9.3.102:1', ...many);
    await everythingArrived();
    assert.equal(received.length, 5, 'the second one what was left of all');
    assert.deepEqual(await counts(), [10n, 1n]);
    const elements = await client.elements(sources);
    assert.deepEqual(elements.map(({ key }) => key.join('.')).sort(), ['10.9.3.101', '10.9.3.102']);
    assert.ok(elements.every(({ expirationMs }) => expirationMs !== undefined && expirationMs > 3_000_000));
  });

  it('shut out sources that no route leads back to', async () => {
    await client.commit(
      emptyInput().addRule({
        ...inChain,
        expressions: [
          ...toOurPort,
          fib({
            dreg: NFT_REG_1,
            result: NFT_FIB_RESULT_OIF,
            flags: NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT,
          }),
          cmp({ sreg: NFT_REG_1, op: NFT_CMP_EQ, data: Buffer.of(0, 0, 0, 0) }),
          counter(),
          drop,
        ],
      }),
    );
    await here.sysctl({ 'net.ipv4.conf.all.rp_filter': 0, 'net.ipv4.conf.eth.rp_filter': 0 });
    send('203.0.113.5:5000', 'forged');
    send(`${SENDER}:5000`, 'routed');
    await everythingArrived();
    assert.deepEqual([received, await counts()], [[`${PUBLIC} routed`], [1n]]);
  });
});
