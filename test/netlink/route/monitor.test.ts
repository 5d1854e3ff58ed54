import assert from 'node:assert/strict';
import { RouteMonitor, type RouteEvent } from '../../../src/netlink/route/events.js';
import { TestNamespace } from '../../support/namespace.js';
import { needsRoot } from '../../support/skip.js';
import { until } from '../../support/until.js';

describe('RouteMonitor', () => {
  let namespace: TestNamespace;
  let monitor: RouteMonitor | undefined;
  let events: RouteEvent[];

  before(needsRoot);
  beforeEach(() => {
    namespace = new TestNamespace();
    namespace.ip('link', 'add', 'br0', 'type', 'bridge');
    events = [];
  });
  afterEach(() => {
    monitor?.close();
    namespace.remove();
  });

  const kinds = (): string[] => events.map((event) => event.kind);
  const seen = (kind: RouteEvent['kind']): Promise<RouteEvent> =>
    until(() => events.find((event) => event.kind === kind));
  const watch = (options: { receiveBufferBytes?: number; overrunCheckMs?: number } = {}): void => {
    monitor = namespace.inside(() => RouteMonitor.open({ onEvent: (event) => events.push(event), ...options }));
  };

  it('tells of links, addresses and routes that others change', async () => {
    watch();
    namespace.ip('link', 'set', 'br0', 'mtu', '1400');
    const changed = await seen('link-changed');
    assert.ok(changed.kind === 'link-changed' && changed.link.name === 'br0' && changed.link.mtu === 1400);

    namespace.ip('link', 'set', 'br0', 'up');
    namespace.ip('addr', 'add', '192.0.2.1/24', 'dev', 'br0');
    const added = await seen('address-added');
    assert.ok(added.kind === 'address-added' && added.address.address === '192.0.2.1');

    namespace.ip('route', 'add', '10.0.0.0/8', 'via', '192.0.2.9');
    const route = await until(() =>
      events.find((event) => event.kind === 'route-added' && event.route.destination === '10.0.0.0'),
    );
    assert.ok(route.kind === 'route-added' && route.route.gateway === '192.0.2.9');

    namespace.ip('route', 'del', '10.0.0.0/8');
    await seen('route-removed');
    namespace.ip('addr', 'del', '192.0.2.1/24', 'dev', 'br0');
    await seen('address-removed');
    namespace.ip('link', 'del', 'br0');
    const removed = await seen('link-removed');
    assert.ok(removed.kind === 'link-removed' && removed.link.name === 'br0');
  });

  it('does not take a port that leaves its bridge for a link that is gone', async () => {
    namespace.ip('link', 'add', 'va', 'type', 'veth', 'peer', 'name', 'vb');
    namespace.ip('link', 'set', 'va', 'master', 'br0');
    watch();
    namespace.ip('link', 'set', 'va', 'nomaster');
    namespace.ip('link', 'set', 'lo', 'mtu', '1234');
    await until(() => events.some((event) => event.kind === 'link-changed' && event.link.mtu === 1234));
    assert.ok(!kinds().includes('link-removed'));
  });

  it('says so when events were lost, with the events that were not', async () => {
    watch({ receiveBufferBytes: 1 });
    // All of it happens while this thread waits for `ip`: the buffer holds one or two events.
    const script = Array.from({ length: 200 }, (_, step) => `link set br0 mtu ${1300 + step}`).join('\n');
    namespace.feed(script, 'ip', '-batch', '-');
    const overrun = await seen('overrun');
    assert.ok(overrun.kind === 'overrun' && overrun.lostMessages > 100);
    assert.ok(kinds().includes('link-changed'));
    events.length = 0;
    namespace.ip('link', 'set', 'br0', 'mtu', '1280');
    await seen('link-changed');
    assert.ok(!kinds().includes('overrun'), 'a loss is told once');
  });

  it('is silent once it is closed, be it by its own event handler', async () => {
    const errors: Error[] = [];
    let heard = 0;
    const closing = namespace.inside(() =>
      RouteMonitor.open({
        onEvent: () => {
          heard += 1;
          closing.close();
        },
        onError: (error) => errors.push(error),
      }),
    );
    watch();
    // Both monitors read all of it in one go, since this thread waits for `ip`.
    namespace.feed('link set br0 mtu 1400\nlink set br0 mtu 1401\nlink set br0 mtu 1402\n', 'ip', '-batch', '-');
    await until(() => events.length >= 3);
    assert.equal(heard, 1);
    assert.deepEqual(errors, []);
  });

  it('reports an event handler that throws, and goes on', async () => {
    const errors: Error[] = [];
    let broken = true;
    monitor = namespace.inside(() =>
      RouteMonitor.open({
        onEvent: (event) => {
          if (broken) throw new Error('handler broke');
          events.push(event);
        },
        onError: (error) => errors.push(error),
      }),
    );
    namespace.ip('link', 'set', 'br0', 'mtu', '1400');
    await until(() => errors.length > 0);
    assert.equal(errors[0]?.message, 'handler broke');
    broken = false;
    namespace.ip('link', 'set', 'br0', 'mtu', '1401');
    await seen('link-changed');
  });
});
