import assert from 'node:assert/strict';
import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { BUILD_SECONDS, MAX_TIME } from '../../src/auth/constants.js';
import { describeStateFault } from '../../src/auth/errors.js';
import {
  guardAtStart,
  guardKey,
  guardSaver,
  lastSignedSaver,
  loadGuards,
  loadLastSigned,
  RESERVED_SECONDS,
} from '../../src/auth/guard-file.js';
import { parseLastSigned } from '../../src/auth/guard-text.js';
import { keyPairFromSeed } from '../../src/auth/keys.js';
import { accept, judge, newGuard } from '../../src/auth/replay-guard.js';
import { MAX_STATE_BYTES, removeStateFile, writeStateFile } from '../../src/auth/state-file.js';
import { bootId } from '../../src/sys/boot-id.js';
import { needsRoot } from '../support/skip.js';

const NOW = BUILD_SECONDS + 1_000_000;
const DAY = 86_400;
const { publicKey } = keyPairFromSeed(Buffer.alloc(32, 1));
const guard = accept(newGuard(NOW - 100), NOW, 5);
const noError = (error: Error): void => {
  throw error;
};

describe('auth/guard-file', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ipipou-guard-'));
    path = join(folder, 'state', 'srv.json');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("leaves a file in somebody else's folder to them, and follows no link that they laid", async function () {
    needsRoot.call(this);
    const victim = join(folder, 'victim');
    writeFileSync(victim, 'untouched', { mode: 0o644 });
    mkdirSync(join(folder, 'state'), { mode: 0o700 });
    chownSync(join(folder, 'state'), 61_184, 61_185);
    symlinkSync(victim, `${path}.new`);
    await writeStateFile(path, 'text', true);
    const { uid, gid, mode } = statSync(path);
    assert.deepEqual([uid, gid, mode & 0o7777, readFileSync(path, 'utf8')], [61_184, 61_185, 0o600, 'text']);
    assert.deepEqual([statSync(victim).uid, readFileSync(victim, 'utf8')], [0, 'untouched']);
  });

  const save = async (value = guard): Promise<void> => {
    const saver = guardSaver({ path, onError: noError });
    saver.changed(new Map([[guardKey(publicKey), value]]), true);
    await saver.flush();
  };

  it('a guard comes back as it was saved', async () => {
    await save();
    const loaded = await loadGuards(path, NOW + 60);
    assert.equal(loaded.fault, undefined);
    assert.deepEqual(guardAtStart(loaded, publicKey, NOW + 60), guard);
  });

  it('nobody else may read the file, and nothing is left beside it', async () => {
    writeFileSync(join(folder, 'before'), '');
    await save();
    await save();
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(join(folder, 'state')).mode & 0o777, 0o755);
    assert.deepEqual(readdirSync(join(folder, 'state')), ['srv.json']);
  });

  it('a leftover of a crash while writing is in nobody’s way and lends nothing its mode', async () => {
    await save();
    writeFileSync(`${path}.new`, 'half a li', { mode: 0o666 });
    await save();
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert((await loadGuards(path, NOW)).fault === undefined);
  });

  it('a key without a guard takes no time before the start', async () => {
    await save();
    const other = keyPairFromSeed(Buffer.alloc(32, 2)).publicKey;
    assert.deepEqual(guardAtStart(await loadGuards(path, NOW), other, NOW), newGuard(NOW));
  });

  describe('says why there is no guard, and starts from the start time', () => {
    const losses: Record<string, { spoil: () => void; words: RegExp }> = {
      missing: {
        spoil: () => {
          rmSync(path);
        },
        words: /does not exist/,
      },
      damaged: {
        spoil: () => {
          truncateSync(path, 20);
        },
        words: /is damaged/,
      },
      'other-version': {
        spoil: () => {
          writeFileSync(path, '{"version":99}');
        },
        words: /format version 99/,
      },
      'too-large': {
        spoil: () => {
          truncateSync(path, MAX_STATE_BYTES + 1);
        },
        words: /larger than/,
      },
      unreadable: {
        spoil: () => {
          path = join(folder, 'state');
        },
        words: /cannot be read: not a regular file/,
      },
    };
    for (const [kind, { spoil, words }] of Object.entries(losses)) {
      it(kind, async () => {
        await save();
        spoil();
        const loaded = await loadGuards(path, NOW);
        assert.equal(loaded.fault?.kind, kind);
        assert.match(describeStateFault(loaded.fault), words);
        assert.deepEqual(guardAtStart(loaded, publicKey, NOW), newGuard(NOW));
      });
    }
  });

  it('a file cut short at any length is damaged, or whole but for its line feed', async () => {
    await save();
    const text = readFileSync(path, 'utf8');
    for (let length = 0; length < text.length; length++) {
      writeFileSync(path, text.slice(0, length));
      const loaded = await loadGuards(path, NOW);
      if (length === text.length - 1) assert(loaded.fault === undefined);
      else assert.deepEqual([length, loaded.fault, loaded.guards.size], [length, { kind: 'damaged' }, 0]);
    }
  });

  it('a guard from the future is set aside: the start is the newest time, and nothing is taken twice', async () => {
    await save();
    const start = NOW - DAY - 1;
    const loaded = await loadGuards(path, start);
    assert.deepEqual(loaded.fault, { kind: 'from-the-future', newest: NOW });
    const atStart = guardAtStart(loaded, publicKey, start);
    assert.equal(judge(atStart, start - 1, 1, start), 'older');
    assert.equal(judge(atStart, start + 1, 1, start), 'fresh');
    assert.equal(judge(atStart, NOW, 5, NOW), 'replayed');
  });

  it('a clock before the build date can not tell that a guard is from the future', async () => {
    await save();
    assert.deepEqual(guardAtStart(await loadGuards(path, 1000), publicKey, 1000), guard);
  });

  it('the last signed time comes back, unless no server can have accepted it', async () => {
    const saver = lastSignedSaver({ path, onError: noError });
    saver.changed(NOW);
    await saver.flush();
    assert.deepEqual(await loadLastSigned(path, NOW - DAY), { ok: true, value: NOW });
    assert.deepEqual(await loadLastSigned(path, NOW - DAY - 1), {
      ok: false,
      fault: { kind: 'from-the-future', newest: NOW },
    });
    assert.deepEqual(await loadLastSigned(path, 1000), { ok: true, value: NOW });
    assert.deepEqual(await loadLastSigned(`${path}x`, NOW), { ok: false, fault: { kind: 'missing' } });
  });

  it('the file is never behind the last signed time, also while a save waits and the clock jumps', async () => {
    let file = '';
    const saver = lastSignedSaver({
      path,
      onError: noError,
      disk: {
        write: (_, text) => {
          file = text;
          return Promise.resolve();
        },
        remove: () => Promise.resolve(),
      },
      // The interval never ends: what is written is written at once.
      timers: { monotonicMs: () => 0, after: () => () => undefined },
    });
    for (const seconds of [NOW, NOW + 1, NOW + 3, NOW + 3600, NOW + 3604, MAX_TIME]) {
      saver.changed(seconds);
      await setImmediate();
      // For the next boot, and for this one.
      const kept = parseLastSigned(file);
      assert(kept.ok && kept.value >= seconds, `${file} after ${seconds}`);
      assert.deepEqual(parseLastSigned(file, bootId()), { ok: true, value: seconds });
    }
    await saver.flush();
    assert.deepEqual(parseLastSigned(file), { ok: true, value: MAX_TIME });
  });

  it('a guard that is killed between two saves comes back as it was, and refuses more after a crash of the machine', async () => {
    const saver = guardSaver({ path, onError: noError });
    let now = guard;
    for (const time of [NOW + 1, NOW + 2, NOW + 3]) {
      now = accept(now, time, 9);
      saver.changed(new Map([[guardKey(publicKey), now]]));
    }
    // Nothing of the interval is waited for.
    while (!(await readFile(path, 'utf8').catch(() => '')).includes(`,${NOW + 3}]`)) await setImmediate();
    assert.deepEqual(guardAtStart(await loadGuards(path, NOW + 9), publicKey, NOW + 9), now);
    writeFileSync(path, readFileSync(path, 'utf8').replace(bootId() ?? 'none', 'another boot'));
    const { run } = guardAtStart(await loadGuards(path, NOW + 9), publicKey, NOW + 9);
    assert.ok(run.to >= NOW + 3 + RESERVED_SECONDS, String(run.to));
  });

  it('what can not be written any more leaves no old file behind', async () => {
    await save();
    const told: [string, boolean][] = [];
    const saver = guardSaver({
      path,
      onError: (error, isGone) => told.push([error.message, isGone]),
      disk: { write: () => Promise.reject(new Error('disk full')), remove: removeStateFile },
    });
    saver.changed(new Map([[guardKey(publicKey), guard]]), true);
    await saver.flush();
    assert.deepEqual(told, [['disk full', true]]);
    assert.equal((await loadGuards(path, NOW)).fault?.kind, 'missing');
  });

  it('what can not be written is reported, and what stands elsewhere stays', async () => {
    await save();
    const before = readFileSync(path, 'utf8');
    const errors: Error[] = [];
    const saver = guardSaver({ path: join(path, 'below-a-file'), onError: (error) => errors.push(error) });
    saver.changed(new Map([[guardKey(publicKey), guard]]), true);
    await saver.flush();
    assert.deepEqual(
      errors.map((error) => 'code' in error && error.code),
      ['EEXIST'],
    );
    assert.equal(readFileSync(path, 'utf8'), before);
  });
});
