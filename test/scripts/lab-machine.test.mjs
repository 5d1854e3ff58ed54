import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'mocha';
import { cpio } from '../lab/boot/cpio.mjs';
import { shellQuote } from '../lab/boot/initramfs.mjs';
import { ConsoleWatch, lineSplitter, startDeadlines } from '../lab/boot/watch.mjs';

describe("the lab's initramfs", () => {
  it('is an archive as cpio (newc) lays it out', () => {
    const archive = cpio([{ path: 'a', kind: 'file', data: Buffer.from('hi'), mode: 0o755 }]).toString('latin1');
    const zero = '00000000';
    const file = [
      '00000001',
      '000081ed',
      zero,
      zero,
      '00000001',
      zero,
      '00000002',
      zero,
      zero,
      zero,
      zero,
      '00000002',
      zero,
    ];
    const end = [zero, '00008000', zero, zero, '00000001', zero, zero, zero, zero, zero, zero, '0000000b', zero];
    assert.equal(archive, `070701${file.join('')}a~hi~~070701${end.join('')}TRAILER!!!~~~~`.replaceAll('~', '\0'));
  });

  it('hands words to the shell unchanged', () => {
    for (const word of ['', 'a b', "it's", '$(id)', '`x`', 'new\nline', '\\']) {
      assert.equal(execFileSync('sh', ['-c', `printf %s ${shellQuote(word)}`], { encoding: 'utf8' }), word);
    }
  });
});

describe("the watch over the lab's console", () => {
  it('puts lines together that arrive in pieces, also within a letter', () => {
    /** @type {string[]} */
    const lines = [];
    const splitter = lineSplitter((line) => lines.push(line));
    const bytes = Buffer.from('one\r\ntwö\nrest');
    for (const byte of bytes) splitter.push(Buffer.of(byte));
    splitter.end();
    assert.deepEqual(lines, ['one', 'twö', 'rest']);
  });

  for (const line of [
    '[    2.9] Kernel panic - not syncing: sysrq triggered crash',
    '[    9.1] BUG: kernel NULL pointer dereference, address: 0000000000000008',
    '[    9.1] Oops: 0000 [#1] PREEMPT SMP NOPTI',
  ]) {
    it(`sees the fault in: ${line}`, () => {
      const watch = new ConsoleWatch();
      watch.see(line);
      assert.equal(watch.fault, line);
    });
  }

  it('sees none in what a healthy kernel says, and keeps a bounded tail', () => {
    const watch = new ConsoleWatch();
    for (let index = 0; index < 1000; index += 1) watch.see(`[    1.0] device t${index} entered promiscuous mode`);
    assert.equal(watch.fault, undefined);
    assert.ok(watch.tail.length < 100);
    assert.match(watch.tail.at(-1) ?? '', /t999/);
  });

  it('gives up on silence, once, and says why', async () => {
    const reason = await new Promise((resolve) => {
      startDeadlines({ silenceMs: 1, totalMs: Infinity }, resolve);
    });
    assert.equal(reason, 'no output for 0.001 s');
  });
});
