import assert from 'node:assert/strict';
import fc from 'fast-check';
import { signPacket } from '../../src/auth/classic.js';
import { keyPairFromSeed } from '../../src/auth/keys.js';
import { answerSchemes, classify, classifyUnbound, mistakable } from '../../src/core/classifier.js';
import type { ClassifierScheme } from '../../src/core/classifier.js';
import { CORPUS_SCHEMES, classifierCorpus } from './classifier-corpus.js';

const none: ClassifierScheme = { kind: 'none' };
const ed25519: ClassifierScheme = { kind: 'ed25519' };
const token = (text: string): ClassifierScheme => ({ kind: 'token', token: Buffer.from(text) });

/** `hex`, and zeros up to `length`. */
const padded = (hex: string, length: number): Buffer => {
  const out = Buffer.alloc(length);
  out.write(hex, 'hex');
  return out;
};

describe('core/classifier', () => {
  const rows: [what: string, payload: Buffer, schemes: ClassifierScheme[], expected: 'data' | 'auth' | 'drop'][] = [
    ['an inner packet is data', padded('45000054', 84), [ed25519], 'data'],
    ['an inner packet of 73 bytes is data', padded('45000049', 73), [ed25519], 'data'],
    ['73 bytes with nibble 4 and another inner length are auth', padded('45000048', 73), [ed25519], 'auth'],
    ['73 bytes with any other nibble are auth', padded('95000049', 73), [ed25519], 'auth'],
    ['73 bytes with nibble 6 are auth', padded('60000049', 73), [ed25519], 'auth'],
    ['72 bytes are dropped', padded('95', 72), [ed25519], 'drop'],
    ['74 bytes are dropped', padded('95', 74), [ed25519], 'drop'],
    ['74 bytes with nibble 4 are data', padded('45000049', 74), [ed25519], 'data'],
    ['an empty packet is dropped where signatures are wanted', Buffer.alloc(0), [ed25519], 'drop'],
    ['an empty packet is auth where nothing is wanted', Buffer.alloc(0), [none], 'auth'],
    ['anything that is no inner packet is auth where nothing is wanted', padded('00', 9), [none], 'auth'],
    ['an inner packet is data where nothing is wanted', padded('45', 20), [none], 'data'],
    ['73 bytes with nibble 4 are data where nothing is wanted', padded('45000048', 73), [none], 'data'],
    ['the token is auth', Buffer.from('sesame'), [token('sesame')], 'auth'],
    ['a token that begins with nibble 4 is auth', Buffer.from('Door'), [token('Door')], 'auth'],
    ['another text of the token’s length is dropped', Buffer.from('sesamf'), [token('sesame')], 'drop'],
    ['the token and a byte is dropped', Buffer.from('sesame!'), [token('sesame')], 'drop'],
    ['73 bytes are dropped where a token is wanted', padded('95', 73), [token('sesame')], 'drop'],
    ['either of two tokens is auth', Buffer.from('b'), [token('a'), token('b')], 'auth'],
    [
      'what differs from a token behind byte 16 is left to user space',
      Buffer.from('0123456789abcdefX'),
      [token('0123456789abcdefg')],
      'auth',
    ],
    [
      'what differs from a token in byte 16 is dropped',
      Buffer.from('0123456789abcdeXg'),
      [token('0123456789abcdefg')],
      'drop',
    ],
  ];
  for (const [what, payload, schemes, expected] of rows) {
    it(what, () => {
      assert.equal(classify(payload, schemes).kind, expected);
    });
  }

  it('takes nibble 6 for data where the tunnel carries IPv6', () => {
    const kind = (payload: Buffer, schemes: ClassifierScheme[]): string =>
      classify(payload, schemes, undefined, true).kind;
    assert.equal(kind(padded('60000000', 60), [ed25519]), 'data');
    assert.equal(kind(padded('600000000021', 73), [ed25519]), 'data');
    assert.equal(kind(padded('600000000020', 73), [ed25519]), 'auth');
    assert.equal(kind(padded('45000049', 73), [ed25519]), 'data');
    assert.equal(kind(padded('60', 5), [ed25519]), 'data');
    assert.equal(kind(padded('60', 60), [none]), 'data');
    assert.equal(kind(padded('70', 60), [ed25519]), 'drop');
    assert.equal(classifyUnbound(padded('60', 60), [ed25519], undefined, true).kind, 'drop');
    assert.equal(classifyUnbound(padded('60', 60), [none], undefined, true).kind, 'auth');
  });

  it('goes by the UDP length, not by what happens to follow', () => {
    assert.equal(classify(padded('95', 74), [ed25519], 81).kind, 'auth');
    assert.equal(classify(padded('95', 73), [ed25519], 82).kind, 'drop');
  });

  it('does not look past the end: a rule that would does not hold', () => {
    assert.equal(classify(Buffer.from([0x45, 0, 0]), [ed25519], 81).kind, 'data');
    assert.equal(classify(Buffer.from('sesa'), [token('sesame')], 14).kind, 'drop');
  });

  it('shuts out data from an unbound endpoint, unless it is all the proof there is', () => {
    assert.deepEqual(classifyUnbound(padded('45', 20), [ed25519]), { kind: 'drop', reason: 'unbound' });
    assert.deepEqual(classifyUnbound(padded('45', 20), [token('x')]), { kind: 'drop', reason: 'unbound' });
    assert.deepEqual(classifyUnbound(padded('45', 20), [none]), { kind: 'auth' });
    assert.deepEqual(classifyUnbound(padded('95', 73), [ed25519]), { kind: 'auth' });
    assert.deepEqual(classifyUnbound(padded('95', 70), [ed25519]), { kind: 'drop', reason: 'unrecognised' });
  });

  for (const { name, schemes } of CORPUS_SCHEMES) {
    it(`agrees with the rules told in another way (${name})`, () => {
      const corpus = classifierCorpus(schemes);
      const kinds = new Set<string>();
      for (const { name: packet, payload, udpLength } of corpus) {
        for (const ipv6 of [false, true]) {
          const { kind } = classify(payload, schemes, udpLength, ipv6);
          kinds.add(kind);
          assert.equal(kind, told(payload, schemes, udpLength, ipv6), packet);
          const unbound = classifyUnbound(payload, schemes, udpLength, ipv6).kind;
          assert.equal(unbound, kind !== 'data' ? kind : schemes.includes(none) || hasNone(schemes) ? 'auth' : 'drop');
        }
      }
      assert(kinds.has('data') && kinds.has('auth'));
    });
  }

  it('never says data of a signed packet of ours', () => {
    const own = keyPairFromSeed(Buffer.alloc(32, 1));
    let likeInner = 0;
    for (let salt = 0; salt < 400; salt += 1) {
      const packet = signPacket(own, Buffer.from('s'), 1_800_000_000, salt);
      if (packet.readUInt8(0) >> 4 === 4) likeInner += 1;
      if (mistakable(packet)) continue;
      assert.equal(classify(packet, [ed25519]).kind, 'auth');
      assert.equal(classify(Buffer.from(packet).reverse(), [ed25519]).kind, 'auth');
    }
    assert(likeInner > 0);
  });

  it('finds a packet mistakable by its first byte and, for the reversed answer, its last', () => {
    for (let byte = 0; byte < 256; byte += 1) {
      const expected = byte >> 4 === 4 || byte >> 4 === 6;
      assert.equal(mistakable(Buffer.of(byte, 0)), expected);
      assert.equal(mistakable(Buffer.of(0, byte)), expected);
    }
    assert.equal(mistakable(Buffer.alloc(0)), false);
  });

  it('lets the answers to each scheme through to the client', () => {
    const own = keyPairFromSeed(Buffer.alloc(32, 1));
    const answers = answerSchemes({ kind: 'token', token: Buffer.from('Door') });
    assert.equal(classify(Buffer.from('rooD'), answers).kind, 'auth');
    assert.equal(classify(Buffer.alloc(0), answerSchemes({ kind: 'none' })).kind, 'auth');
    const signed = answerSchemes({ kind: 'ed25519', ownKey: own, secret: Buffer.from('s') });
    assert.equal(classify(padded('95', 73), signed).kind, 'auth');
  });

  it('says something of any packet and any length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.integer({ min: 0, max: 0xffff }), (payload, udpLength) => {
        for (const { schemes } of CORPUS_SCHEMES) {
          for (const ipv6 of [false, true]) {
            const wanted = told(Buffer.from(payload), schemes, udpLength, ipv6);
            assert.equal(classify(payload, schemes, udpLength, ipv6).kind, wanted);
          }
        }
      }),
    );
  });
});

const hasNone = (schemes: readonly ClassifierScheme[]): boolean => schemes.some(({ kind }) => kind === 'none');

/** The ruleset as a list of conditions on hex text, written apart from the code under test. */
function told(payload: Buffer, schemes: readonly ClassifierScheme[], udpLength: number, ipv6: boolean): string {
  const hex = payload.toString('hex');
  const signs = schemes.some(({ kind }) => kind === 'ed25519');
  for (const scheme of schemes) {
    if (scheme.kind !== 'token') continue;
    const start = Buffer.from(scheme.token).toString('hex').slice(0, 32);
    if (udpLength - 8 === scheme.token.length && hex.startsWith(start)) return 'auth';
  }
  if (signs && udpLength === 81 && /^4...(?!0049)..../.test(hex)) return 'auth';
  if (ipv6 && signs && udpLength === 81 && /^6.{7}(?!0021)..../.test(hex)) return 'auth';
  if (hex.startsWith('4') || (ipv6 && hex.startsWith('6'))) return 'data';
  if (hasNone(schemes)) return 'auth';
  return signs && udpLength === 81 ? 'auth' : 'drop';
}
