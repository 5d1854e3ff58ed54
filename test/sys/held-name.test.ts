import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, it } from 'mocha';
import { HeldName, NameTakenError } from '../../src/sys/held-name.js';
import { ScratchNamespace } from '../../src/sys/scratch-namespace.js';
import { abstractNameOwners, abstractNames, nameOwners, parseAbstractNames } from '../../src/sys/socket-owner.js';
import { needsRoot } from '../support/skip.js';

const NAME = `ipipou-ts/test/${process.pid}`;
const SOURCE = new URL('../../src/sys/held-name.ts', import.meta.url).href;

/** A process that holds the name, as the only thing it does. */
const HOLDER = `
  const { HeldName } = await import(${JSON.stringify(SOURCE)});
  HeldName.take(${JSON.stringify(NAME)});
  console.log('held');
  setInterval(() => undefined, 1000);
`;

describe('a name that is held', () => {
  let held: HeldName | undefined;
  afterEach(() => {
    held?.release();
  });

  const takenBy = (): string | undefined => {
    try {
      HeldName.take(NAME).release();
      return undefined;
    } catch (error) {
      assert.ok(error instanceof NameTakenError, String(error));
      return nameOwners(error.owners);
    }
  };

  it('is held once, and free again when it is released', () => {
    held = HeldName.take(NAME);
    assert.match(takenBy() ?? '', new RegExp(`process ${process.pid}$`));
    held.release();
    held.release();
    held = HeldName.take(NAME);
  });

  it('tells its holder however often it is asked', () => {
    held = HeldName.take(NAME);
    // More than the holder's queue of callers takes: it is read in /proc then.
    for (let time = 0; time < 12; time++) assert.match(takenBy() ?? 'nobody', new RegExp(`process ${process.pid}$`));
  });

  it('is another one than those that begin alike', () => {
    held = HeldName.take(NAME);
    HeldName.take(`${NAME}0`).release();
    assert.throws(() => HeldName.take('x'.repeat(200)), /too long/);
  });

  it('is listed, with its holder', function () {
    held = HeldName.take(NAME);
    assert.ok(abstractNames().includes(NAME));
    assert.deepEqual(
      abstractNameOwners(NAME).map(({ pid }) => pid),
      [process.pid],
    );
    assert.deepEqual(abstractNameOwners(`${NAME}0`), []);
  });

  it('belongs to its process, which is named, and is free as soon as that is killed', async () => {
    const holder = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', HOLDER], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(holder.stdout, 'data');
      assert.match(takenBy() ?? '', new RegExp(`, process ${holder.pid}$`));
    } finally {
      holder.kill('SIGKILL');
      await once(holder, 'exit');
    }
    held = HeldName.take(NAME);
  });

  it('is free in another network namespace', function () {
    needsRoot.call(this);
    held = HeldName.take(NAME);
    const scratch = ScratchNamespace.open();
    try {
      scratch.inside(() => {
        HeldName.take(NAME).release();
        assert.ok(!abstractNames().includes(NAME));
      });
    } finally {
      scratch.close();
    }
  });

  it('is read from a table of the kernel, or not at all', () => {
    const table = `Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 40213 @ipipou-ts/tunnel/0
0000000000000000: 00000002 00000000 00010000 0001 01 40214 /run/systemd/private
0000000000000000: 00000003 00000000 00000000 0001 03 40215
0000000000000000: 00000002 00000000 00010000 0005 01     7 @with a blank
`;
    assert.deepEqual(
      [...parseAbstractNames(table)],
      [
        ['ipipou-ts/tunnel/0', 40_213],
        ['with a blank', 7],
      ],
    );
    assert.equal(parseAbstractNames('\n: @x\n0: 1 2 3 4 5 @y').size, 0);
  });
});
