import assert from 'node:assert/strict';
import { ConfigError } from '../../src/config/errors.js';
import { gatherOptions } from '../../src/config/gather.js';
import { resolvePartly, type PartialResolution } from '../../src/config/resolve-partly.js';
import { resolve } from '../../src/config/resolve.js';

const raw = (...argv: string[]) => gatherOptions(argv, () => assert.fail('no file is named'));
const partly = (...argv: string[]): PartialResolution => resolvePartly(raw(...argv), {});

describe('a configuration that need not be complete', () => {
  it('is the default tunnel where nothing was given, and says what a start would say', () => {
    const { mode, tunnel, remote, whole } = partly();
    assert.deepEqual([mode, tunnel.number, tunnel.fouLocalPort], ['client', 0, 10_000]);
    assert.deepEqual(remote, { host: undefined, port: undefined });
    assert.ok(whole instanceof ConfigError);
    assert.throws(() => resolve(raw(), {}), { message: whole.message });
  });

  it('is the whole where all was given', () => {
    const argv = ['-c', '-n3', '-r', '192.0.2.1:7', '--auth-token', 'x'];
    const { whole, tunnel, remote } = partly(...argv);
    assert.ok(!(whole instanceof ConfigError));
    assert.deepEqual(whole, resolve(raw(...argv), {}));
    assert.deepEqual([tunnel.number, remote.port], [3, 7]);
  });

  it('lets a server lack whom it lets in', () => {
    const { whole } = partly('-s');
    assert.ok(whole instanceof ConfigError && whole.message.startsWith('nothing says whom this server lets in'));
  });

  it('is refused where a value is wrong, as a start refuses it', () => {
    for (const argv of [
      ['-n', 'x'],
      ['-n', '60000'],
      ['--tunl-dev', 'a/b'],
      ['--tunl-ip', '10.0.0.1', '--tunl-peer-ip', '10.0.0.1'],
    ]) {
      assert.throws(() => partly(...argv), ConfigError);
    }
  });

  it('warns of options of the other side', () => {
    assert.deepEqual(partly('-c', '--reply-on-auth-ok').warnings, ['--reply-on-auth-ok: has no effect on a client']);
  });
});
