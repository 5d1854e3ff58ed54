import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { isPortUnreachable } from '../../../src/dataplane/kernel/icmp.js';

/** RFC 791 header, RFC 792 type and code. */
const packet = (protocol: number, type: number, code: number): Buffer =>
  Buffer.from(
    `45c0 0038 0000 0000 40 ${protocol.toString(16).padStart(2, '0')} 0000 ac1d0000 0a090201 0${type}0${code} 0000 00000000`.replace(
      / /g,
      '',
    ),
    'hex',
  );

describe('an ICMP error', () => {
  it('is told from others by protocol, type and code', () => {
    assert.ok(isPortUnreachable(packet(1, 3, 3)));
    assert.ok(!isPortUnreachable(packet(1, 3, 4)));
    assert.ok(!isPortUnreachable(packet(1, 8, 3)));
    assert.ok(!isPortUnreachable(packet(2, 3, 3)));
  });

  it('is no cut packet', () => {
    const whole = packet(1, 3, 3);
    for (let length = 0; length < 22; length++) assert.ok(!isPortUnreachable(whole.subarray(0, length)), `${length}`);
    assert.ok(isPortUnreachable(whole.subarray(0, 22)));
  });

  it('is looked for in any bytes without harm', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        return typeof isPortUnreachable(Buffer.from(bytes)) === 'boolean';
      }),
    );
  });
});
