import assert from 'node:assert/strict';
import { closeSync, readFileSync, readlinkSync } from 'node:fs';
import { ScratchNamespace } from '../../src/sys/scratch-namespace.js';
import { openTun } from '../../src/sys/tun.js';
import { needsRoot } from '../support/skip.js';

const namespace = (): string => readlinkSync('/proc/thread-self/ns/net');
const devices = (): string[] =>
  readFileSync('/proc/thread-self/net/dev', 'utf8')
    .split('\n')
    .flatMap((line) => /^\s*([^:\s]+):/.exec(line)?.[1] ?? []);

/** What the kernel itself puts into a new namespace: the loopback, and one device of each loaded kind of tunnel. */
const IN_EVERY_NAMESPACE: ReadonlySet<string> = new Set([
  ...['lo', 'tunl0', 'gre0', 'gretap0', 'erspan0', 'sit0', 'ip_vti0', 'ip6tnl0', 'ip6gre0', 'ip6_vti0'],
]);

describe('a scratch namespace', () => {
  before(needsRoot);
  let scratch: ScratchNamespace;
  beforeEach(() => {
    scratch = ScratchNamespace.open();
  });
  afterEach(() => {
    scratch.close();
  });

  it('is another one than the own, which the thread is in again behind each call', () => {
    const home = namespace();
    const inside = scratch.inside(namespace);
    assert.notEqual(inside, home);
    assert.equal(scratch.inside(namespace), inside);
    assert.equal(namespace(), home);
  });

  it('is left also where the code inside throws', () => {
    const home = namespace();
    assert.throws(
      () =>
        scratch.inside(() => {
          throw new Error('inside');
        }),
      { message: 'inside' },
    );
    assert.equal(namespace(), home);
  });

  it('shows nothing of the host, and the host nothing of it', () => {
    assert.deepEqual(
      scratch.inside(devices).filter((name) => !IN_EVERY_NAMESPACE.has(name)),
      [],
    );
    const { fd } = scratch.inside(() => openTun('scratch-tun', true));
    try {
      assert.ok(scratch.inside(devices).includes('scratch-tun'));
      assert.ok(!devices().includes('scratch-tun'));
    } finally {
      closeSync(fd);
    }
  });
});
