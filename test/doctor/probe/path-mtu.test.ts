import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { followPath, type Prober } from '../../../src/doctor/probe/path-mtu.js';
import { PathProbe } from '../../../src/sys/path-probe.js';
import { TestNamespace } from '../../support/namespace.js';
import { needsRoot } from '../../support/skip.js';

/** A network whose routers take less and less; `answers`: the host says that nobody listens. */
function network(hops: readonly number[], answers: boolean): Prober & { readonly sent: number[] } {
  let [mtu = 0, ...rest] = hops;
  let complaint: string | undefined;
  const sent: number[] = [];
  return {
    sent,
    mtu: () => mtu,
    send: (size) => {
      sent.push(size);
      const smaller = rest.find((hop) => hop < size);
      if (smaller === undefined) complaint = answers ? 'ECONNREFUSED' : undefined;
      else {
        mtu = smaller;
        rest = rest.filter((hop) => hop < smaller);
      }
      return 'sent';
    },
    complaint: () => {
      const said = complaint;
      complaint = undefined;
      return said;
    },
    close: () => undefined,
  };
}
const noWait = (): Promise<void> => Promise.resolve();

describe('probing the path', () => {
  it('goes down with every router that objects, and is proven where the host answers', async () => {
    const path = network([1500, 1480, 1400], true);
    assert.deepEqual(await followPath(path, noWait), { kind: 'probed', mtu: 1400, proven: true });
    assert.deepEqual(path.sent, [1500, 1480, 1400]);
  });

  it('proves nothing by silence, and tries a size more than once before', async () => {
    const path = network([1500], false);
    assert.deepEqual(await followPath(path, noWait), { kind: 'probed', mtu: 1500, proven: false });
    assert.deepEqual(path.sent, [1500, 1500, 1500]);
  });

  it('fails with the name of the error where it is refused', async () => {
    const refusing = { ...network([1500], false), send: () => ({ refused: 'EHOSTUNREACH' }) };
    assert.deepEqual(await followPath(refusing, noWait), {
      kind: 'failed',
      message: 'the network refuses the probe (EHOSTUNREACH)',
    });
  });

  it('ends where the size changes for ever', async () => {
    let mtu = 60_000;
    const endless = { ...network([1500], false), mtu: () => (mtu -= 1) };
    assert.equal((await followPath(endless, noWait)).kind, 'failed');
  });

  describe('of a real kernel', () => {
    before(needsRoot);
    let [near, middle, far]: TestNamespace[] = [];

    before(() => {
      [near, middle, far] = [new TestNamespace(), new TestNamespace(), new TestNamespace()];
      const cable = (a: TestNamespace, aName: string, b: TestNamespace, bName: string): void => {
        execFileSync('ip', [
          'link',
          'add',
          aName,
          'netns',
          a.name,
          'type',
          'veth',
          'peer',
          'name',
          bName,
          'netns',
          b.name,
        ]);
      };
      cable(near, 'out', middle, 'in');
      cable(middle, 'out', far, 'in');
      for (const [ns, device, address] of [
        [near, 'out', '10.9.8.1/30'],
        [middle, 'in', '10.9.8.2/30'],
        [middle, 'out', '10.9.8.5/30'],
        [far, 'in', '10.9.8.6/30'],
      ] as const) {
        ns.ip('addr', 'add', address, 'dev', device);
        ns.ip('link', 'set', device, 'up');
      }
      near.ip('route', 'add', 'default', 'via', '10.9.8.2');
      far.ip('route', 'add', 'default', 'via', '10.9.8.5');
      middle.run('sysctl', '-q', '-w', 'net.ipv4.ip_forward=1');
      middle.ip('link', 'set', 'out', 'mtu', '1300');
      far.ip('link', 'set', 'in', 'mtu', '1300');
    });
    after(() => {
      for (const namespace of [near, middle, far]) namespace?.remove();
    });

    it('finds a narrow link behind a router, and that the host got it', async () => {
      const probe = near!.inside(() => PathProbe.open('10.9.8.6', 10_000));
      assert.equal(probe.mtu(), 1500);
      assert.deepEqual(await followPath(probe, (ms) => new Promise((resolve) => setTimeout(resolve, ms))), {
        kind: 'probed',
        mtu: 1300,
        proven: true,
      });
    });

    it('has no answer where there is no route', () => {
      assert.throws(
        () => middle!.inside(() => PathProbe.open('198.51.100.1', 10_000)),
        (error) => error instanceof Error && 'code' in error && error.code === 'ENETUNREACH',
      );
    });
  });
});
