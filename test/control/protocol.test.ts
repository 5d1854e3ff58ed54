import assert from 'node:assert/strict';
import fc from 'fast-check';
import { LineBuffer } from '../../src/control/line-buffer.js';
import { decodeReply, decodeRequest, encodeReply, encodeRequest } from '../../src/control/protocol.js';

describe('requests on the control socket', () => {
  it('are read from their line', () => {
    const decoded = decodeRequest('{"version":1,"command":"egress-ban","address":"192.0.2.1","id":"x"}');
    assert.ok(decoded.ok);
    assert.deepEqual([decoded.request.command, decoded.request.id], ['egress-ban', 'x']);
    assert.equal(decoded.request.fields['address'], '192.0.2.1');
  });

  it('are what a client writes', () => {
    assert.equal(encodeRequest('status', { a: 1 }), '{"a":1,"version":1,"command":"status"}\n');
    assert.ok(decodeRequest(encodeRequest('status', { version: 7, command: 'other' })).ok);
  });

  for (const [line, code, id] of [
    ['', 'malformed', undefined],
    ['null', 'malformed', undefined],
    ['[]', 'malformed', undefined],
    ['{"version":1', 'malformed', undefined],
    ['{"version":1,"id":3}', 'malformed', 3],
    ['{"version":1,"command":7}', 'malformed', undefined],
    ['{"command":"status"}', 'version', undefined],
    ['{"version":2,"command":"status","id":"a"}', 'version', 'a'],
    ['{"version":"1","command":"status","id":{}}', 'version', undefined],
  ] as const) {
    it(`are refused as ${code}: ${line === '' ? 'nothing' : line}`, () => {
      const decoded = decodeRequest(line);
      assert.ok(!decoded.ok);
      assert.deepEqual([decoded.code, decoded.id], [code, id]);
    });
  }

  it('can be any text without harm', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (line) => void decodeRequest(line)));
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (line) => void decodeReply(line)));
    assert.ok(!decodeRequest('['.repeat(4000)).ok);
  });
});

describe('replies on the control socket', () => {
  it('carry a result or an error, and the id they were asked with', () => {
    assert.equal(encodeReply(7, { ok: true, result: { a: 1 } }), '{"version":1,"id":7,"ok":true,"result":{"a":1}}\n');
    assert.equal(encodeReply(undefined, { ok: true, result: undefined }), '{"version":1,"ok":true,"result":{}}\n');
    assert.equal(
      encodeReply('x', { ok: false, code: 'refused', message: 'no' }),
      '{"version":1,"id":"x","ok":false,"error":{"code":"refused","message":"no"}}\n',
    );
  });

  it('are read back', () => {
    fc.assert(
      fc.property(fc.json(), fc.string(), fc.string(), (json, code, message) => {
        const result: unknown = JSON.parse(json);
        const good = decodeReply(encodeReply(1, { ok: true, result }));
        assert.equal(JSON.stringify(good), JSON.stringify({ ok: true, result: result ?? {} }));
        assert.deepEqual(decodeReply(encodeReply(1, { ok: false, code, message })), { ok: false, code, message });
      }),
    );
  });

  it('are one line, whatever is in them', () => {
    fc.assert(
      fc.property(fc.string(), (message) => {
        assert.equal(
          encodeReply(1, { ok: false, code: 'failed', message }).indexOf('\n') + 1,
          encodeReply(1, { ok: false, code: 'failed', message }).length,
        );
      }),
    );
  });
});

describe('the lines of a stream', () => {
  it('come out as they were put in, however they were cut', () => {
    const text = fc.stringMatching(/^[^\n]{0,20}$/);
    fc.assert(
      fc.property(fc.array(text), fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (lines, cuts) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const buffer = new LineBuffer(1000);
        const out: string[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const length = cuts[turn % cuts.length]!;
          buffer.push(bytes.subarray(at, at + length));
          at += length;
          for (let next = buffer.next(false); next.kind === 'line'; next = buffer.next(false)) out.push(next.text);
        }
        assert.deepEqual(out, lines);
        assert.equal(buffer.next(true).kind, 'none');
      }),
    );
  });

  it('may lack the last line end once the stream is over', () => {
    const buffer = new LineBuffer(10);
    buffer.push(Buffer.from('abc'));
    assert.equal(buffer.next(false).kind, 'none');
    assert.deepEqual(buffer.next(true), { kind: 'line', text: 'abc' });
  });

  it('are bounded, with their line end or without', () => {
    for (const [text, kind] of [
      ['123456789\n', 'line'],
      ['1234567890\n', 'too-long'],
      ['1234567890', 'none'],
      ['12345678901', 'too-long'],
    ] as const) {
      const buffer = new LineBuffer(10);
      buffer.push(Buffer.from(text));
      assert.equal(buffer.next(false).kind, kind, text);
    }
  });
});
