import assert from 'node:assert/strict';
import { classify, classifyUnbound } from '../../../src/core/classifier.js';
import { classifierCorpus, CORPUS_SCHEMES } from '../../core/classifier-corpus.js';
import { needsBuild } from '../../support/built.js';
import { ANY_IPV6, ModuleRig, PEER } from './support/module-rig.js';

type Outcome = 'data' | 'auth' | 'dropped';

/** What becomes of a payload: written, taken for an auth packet, or neither. */
function outcomeOf(
  rig: ModuleRig,
  payload: Buffer,
  from: typeof PEER,
  schemes: Parameters<typeof classify>[1],
  ipv6: boolean,
): Outcome {
  const auth: Buffer[] = [];
  const written = rig.receive([{ payload, from }], (asked, isBound) => {
    const { kind } = (isBound ? classify : classifyUnbound)(asked, schemes, undefined, ipv6);
    if (kind === 'auth') auth.push(asked);
    return kind === 'data';
  });
  if (auth.length > 0) return 'auth';
  return written.length > 0 ? 'data' : 'dropped';
}

/** Whether an inner packet's own lengths fit what is there: RFC 791, section 3.1; RFC 8200, section 3. */
function isWellFormed(payload: Buffer): boolean {
  if (payload.readUInt8(0) >> 4 === 6) return payload.length >= 40 && payload.readUInt16BE(4) + 40 === payload.length;
  if (payload.length < 20) return false;
  const headerBytes = (payload.readUInt8(0) & 15) * 4;
  const total = payload.readUInt16BE(2);
  return headerBytes >= 20 && total >= headerBytes && total <= payload.length;
}

/** Around the length that tells a packet from a signed one that begins like IPv6. */
function likeIpv6(): { readonly name: string; readonly payload: Buffer }[] {
  return [39, 40, 72, 73, 74].flatMap((bytes) =>
    [0, 1, 32, 33, 34, 0x2100, 0x0121, 0xffff].map((length) => {
      const payload = Buffer.alloc(bytes, 0x60);
      payload.writeUInt16BE(length, 4);
      return { name: `${bytes} bytes, nibble 6, payload length ${length}`, payload };
    }),
  );
}

describe('what the packet loop takes for data and for auth packets', () => {
  before(needsBuild);

  for (const { name, schemes } of CORPUS_SCHEMES) {
    // Others can't be sent through a UDP socket, and none arrives by one.
    const packets = [...classifierCorpus(schemes).filter(({ honest }) => honest), ...likeIpv6()];

    for (const ipv6 of [false, true]) {
      it(`is what the classifier says, scheme ${name}, ${ipv6 ? 'both IP versions' : 'IPv4 alone'}`, () => {
        const rig = new ModuleRig(ipv6 ? { ipv6: ANY_IPV6 } : {});
        rig.module.askAbout(schemes);
        for (const { name: packet, payload } of packets) {
          for (const from of [PEER, { ...PEER, port: 9 }]) {
            const { kind } = (from === PEER ? classify : classifyUnbound)(payload, schemes, undefined, ipv6);
            const expected = kind === 'data' && isWellFormed(payload) ? 'data' : kind === 'auth' ? 'auth' : 'dropped';
            assert.equal(outcomeOf(rig, payload, from, schemes, ipv6), expected, `${packet} from port ${from.port}`);
          }
        }
      });
    }
  }
});
