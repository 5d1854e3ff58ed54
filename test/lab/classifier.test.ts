import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { classify, classifyUnbound } from '../../src/core/index.js';
import type { ClassifierScheme } from '../../src/core/classifier.js';
import { putEndpoint } from '../../src/dataplane/kernel/endpoints.js';
import { FAMILY } from '../../src/dataplane/kernel/ruleset/names.js';
import { addRuleset } from '../../src/dataplane/kernel/ruleset/ruleset.js';
import { Batch, decodeCounter, NftablesClient } from '../../src/netlink/nftables/index.js';
import { classifierCorpus, CORPUS_SCHEMES, type CorpusPacket } from '../core/classifier-corpus.js';
import { inside, barrier, pairTopology, rawSender, suiteScope, udpPacket } from './support/index.js';
import type { Namespace, RawSender } from './support/index.js';

const TABLE = 'corpus';
const TUNNEL = { device: 'ipipou0', internal: '172.29.0.0', peerAddress: '172.28.0.1' };
/** Of the schemes, those whose rules IPv6 changes; the others' stand behind them or in front. */
const WITH_IPV6 = new Set(['none', 'ed25519', 'token of a signed packet’s length', 'all']);
const TO = '10.9.3.2:10000';
const BOUND = '10.9.3.1:4000';
const UNBOUND = '10.9.3.1:4001';

/** What the counters of the rules stand for, by the rules' comments. */
const VERDICTS: Readonly<Record<string, 'data' | 'auth' | 'drop'>> = {
  'inner packet of a bound endpoint': 'data',
  'inner IPv6 packet of a bound endpoint': 'data',
  'inner packet of a stranger': 'drop',
  'neither inner nor auth packet': 'drop',
  'too many of one bound endpoint': 'auth',
  'auth packet of a bound endpoint': 'auth',
  'too many of one source': 'auth',
  'too many of all sources': 'auth',
  'auth packet of another source': 'auth',
};

describe('the ruleset decides as the classifier does', () => {
  const scope = suiteScope();
  let host: Namespace;
  let neighbour: Namespace;
  let sender: RawSender;
  let nft: NftablesClient;

  before(async () => {
    ({ a: neighbour, b: host } = await pairTopology(scope));
    // The corpus has a packet one byte longer than an Ethernet frame holds.
    for (const ns of [host, neighbour]) await ns.ip('link set eth mtu 2000');
    sender = rawSender(scope, neighbour);
    nft = inside(host, () => NftablesClient.open());
    scope.defer(() => {
      nft.close();
      return undefined;
    });
  });

  async function counts(): Promise<Record<'data' | 'auth' | 'drop', number>> {
    const sum = { data: 0, auth: 0, drop: 0 };
    for (const { comment, expressions } of await nft.rules(FAMILY, TABLE)) {
      const verdict = VERDICTS[comment ?? ''];
      const counter = expressions.find(({ name }) => name === 'counter');
      if (verdict === undefined || counter === undefined) continue;
      const decoded = decodeCounter(counter);
      assert.ok(decoded.ok);
      sum[verdict] += Number(decoded.value.packets);
    }
    return sum;
  }

  function send({ payload, udpLength }: CorpusPacket, from: string): void {
    const packet = udpPacket({ from, to: TO, payload });
    packet.writeUInt16BE(udpLength, 24);
    sender.ip(packet, '10.9.3.2');
  }

  for (const { name, schemes } of CORPUS_SCHEMES) {
    for (const ipv6 of WITH_IPV6.has(name) ? [false, true] : [false]) {
      it(`on every packet of the corpus, scheme ${name}${ipv6 ? ', with IPv6' : ''}`, async () => {
        const corpus = classifierCorpus(schemes);
        for (const [from, decide] of [
          [BOUND, classify],
          [UNBOUND, classifyUnbound],
        ] as const) {
          for (const wanted of ['data', 'auth', 'drop'] as const) {
            await load(schemes, ipv6);
            const packets = corpus.filter(
              ({ payload, udpLength }) => decide(payload, schemes, udpLength, ipv6).kind === wanted,
            );
            for (const packet of packets) send(packet, from);
            await barrier(neighbour, '10.9.3.2');
            const none = { data: 0, auth: 0, drop: 0 };
            assert.deepEqual(await counts(), { ...none, [wanted]: packets.length }, `${wanted} from ${from}`);
          }
        }
      });
    }
  }

  /** The whole table anew, with one endpoint; with `ipv6` for packets of any source. */
  async function load(schemes: readonly ClassifierScheme[], ipv6: boolean): Promise<void> {
    const batch = new Batch().replaceTable({ family: FAMILY, name: TABLE });
    batch.deleteTable({ family: FAMILY, name: TABLE });
    const outer = { address: '10.9.3.2', port: 10_000 };
    const sources6 = { denied: [], allowed: [{ address: '::', prefixLength: 0 }] };
    const tunnel = { ...TUNNEL, ...(ipv6 && { sources6 }) };
    addRuleset(batch, { table: TABLE, comment: 'corpus', outer, tunnel, schemes, queueNumber: 9 });
    putEndpoint(batch, TABLE, { endpoint: { address: '10.9.3.1', port: 4000 }, internal: TUNNEL.internal });
    await nft.commit(batch);
  }
});
