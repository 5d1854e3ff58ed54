import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatEndpoint, parseEndpoint, sameEndpoint } from '../../src/core/endpoint.js';

describe('core/endpoint', () => {
  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.integer({ min: 1, max: 65535 }), (address, port) => {
        assert.deepEqual(parseEndpoint(formatEndpoint({ address, port })), { address, port });
      }),
    );
  });

  for (const text of [
    '',
    ':',
    '1.2.3.4',
    '1.2.3.4:',
    ':5',
    '1.2.3.4:0',
    '1.2.3.4:65536',
    '1.2.3.4:05',
    '1.2.3.4:+5',
    '1.2.3.4:5 ',
    '01.2.3.4:5',
    '1.2.3:5',
    '1.2.3.4:5:6',
    '[::1]:5',
    'host:5',
  ]) {
    it(`finds no endpoint in ${JSON.stringify(text)}`, () => {
      assert.equal(parseEndpoint(text), undefined);
    });
  }

  it('gives an endpoint or undefined for any text, and only for what it writes itself', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const endpoint = parseEndpoint(text);
        if (endpoint !== undefined) assert.equal(formatEndpoint(endpoint), text);
      }),
    );
  });

  it('takes endpoints for the same only with the same address and port', () => {
    const endpoint = { address: '192.0.2.1', port: 5 };
    assert.equal(sameEndpoint(endpoint, { ...endpoint }), true);
    assert.equal(sameEndpoint(endpoint, { ...endpoint, port: 6 }), false);
    assert.equal(sameEndpoint(endpoint, { ...endpoint, address: '192.0.2.2' }), false);
  });
});
