import assert from 'node:assert/strict';
import { classify, classifyUnbound } from '../../../src/core/classifier.js';
import { classifierCorpus, CORPUS_SCHEMES } from '../../core/classifier-corpus.js';
import { needsBuild } from './support/built.js';
import { ModuleRig, PEER } from './support/module-rig.js';

type Outcome = 'data' | 'auth' | 'dropped';

/** What becomes of a payload: written, taken for an auth packet, or neither. */
function outcomeOf(
  rig: ModuleRig,
  payload: Buffer,
  from: typeof PEER,
  schemes: Parameters<typeof classify>[1],
): Outcome {
  const auth: Buffer[] = [];
  const written = rig.receive([{ payload, from }], (asked, isBound) => {
    const { kind } = isBound ? classify(asked, schemes) : classifyUnbound(asked, schemes);
    if (kind === 'auth') auth.push(asked);
    return kind === 'data';
  });
  if (auth.length > 0) return 'auth';
  return written.length > 0 ? 'data' : 'dropped';
}

/** RFC 791, section 3.1: whether an inner packet's own lengths fit what is there. */
function isWellFormed(payload: Buffer): boolean {
  if (payload.length < 20) return false;
  const headerBytes = (payload.readUInt8(0) & 15) * 4;
  const total = payload.readUInt16BE(2);
  return headerBytes >= 20 && total >= headerBytes && total <= payload.length;
}

describe('what the packet loop takes for data and for auth packets', () => {
  before(needsBuild);

  for (const { name, schemes } of CORPUS_SCHEMES) {
    // Others can't be sent through a UDP socket, and none arrives by one.
    const packets = classifierCorpus(schemes).filter(({ honest }) => honest);

    it(`is what the classifier says, scheme ${name}`, () => {
      const rig = new ModuleRig();
      rig.module.askAbout(schemes);
      for (const packet of packets) {
        for (const from of [PEER, { ...PEER, port: 9 }]) {
          const { kind } = from === PEER ? classify(packet.payload, schemes) : classifyUnbound(packet.payload, schemes);
          const expected =
            kind === 'data' && isWellFormed(packet.payload) ? 'data' : kind === 'auth' ? 'auth' : 'dropped';
          assert.equal(
            outcomeOf(rig, packet.payload, from, schemes),
            expected,
            `${packet.name} from port ${from.port}`,
          );
        }
      }
    });
  }
});
