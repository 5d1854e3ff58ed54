import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseNames, parseNumber, placeOfModule, readText } from '../../../src/doctor/probe/proc.js';

const LISTS = {
  loaded: 'fou 20480 1 - Live 0x0\nudp_tunnel 24576 1 fou, Live 0x0\n',
  builtin: 'kernel/net/ipv4/ip_tunnel.ko\nkernel/drivers/net/tun.ko\n',
  files:
    'kernel/net/ipv4/ipip.ko.xz: kernel/net/ipv4/tunnel4.ko.xz\nkernel/net/netfilter/nft_queue.ko: kernel/net/netfilter/nf_tables.ko\nkernel/drivers/some-thing.ko:\n',
};

describe('a module in the lists of the kernel', () => {
  it('is loaded, built in, there as a file, or absent', () => {
    assert.deepEqual(
      ['fou', 'tun', 'ipip', 'nft_queue', 'some_thing', 'dummy'].map((name) => placeOfModule(name, LISTS)),
      ['loaded', 'builtin', 'file', 'file', 'file', 'absent'],
    );
  });

  it('is not taken for one whose name it begins or ends, nor for one that only others need', () => {
    assert.deepEqual(
      ['ip', 'udp', 'tunnel4', 'queue', 'un'].map((name) => placeOfModule(name, LISTS)),
      ['absent', 'absent', 'absent', 'absent', 'absent'],
    );
  });

  it('is not known where there are no lists', () => {
    assert.equal(placeOfModule('fou', { loaded: '', builtin: undefined, files: undefined }), 'unknown');
  });

  it('is somewhere, whatever the lists hold', () => {
    const text = fc.option(fc.string({ unit: 'binary', maxLength: 200 }), { nil: undefined });
    fc.assert(
      fc.property(text, text, text, (loaded, builtin, files) => {
        assert.ok(
          ['loaded', 'builtin', 'file', 'absent', 'unknown'].includes(placeOfModule('fou', { loaded, builtin, files })),
        );
      }),
    );
  });
});

describe('small files of /proc', () => {
  it('hold a number, or none that counts', () => {
    assert.deepEqual(['1\n', '0', ' 2 ', '', '-1', '1 2', '9'.repeat(40)].map(parseNumber), [
      1,
      0,
      2,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const value = parseNumber(text);
        assert.ok(value === undefined || Number.isSafeInteger(value));
      }),
    );
  });

  it('hold names, of which those that a terminal could show are taken', () => {
    assert.deepEqual(parseNames('nat\nfilter\n\u001b[2J\n'), ['nat', 'filter']);
    assert.deepEqual(parseNames(undefined), []);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const name of parseNames(text)) assert.match(name, /^[\x21-\x7e]+$/);
      }),
    );
  });

  it('may be absent', () => {
    assert.equal(readText('/proc/absent'), undefined);
  });
});
