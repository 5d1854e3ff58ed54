import assert from 'node:assert/strict';
import { ServiceManager } from '../../src/daemon/service-manager.js';
import { createLogger } from '../../src/log/index.js';
import { DatagramReceiver } from '../sys/support/datagram-receiver.js';

const NAME = `@ipipou-ts-manager-${process.pid}`;

function logger(): { readonly lines: string[]; readonly log: ReturnType<typeof createLogger> } {
  const lines: string[] = [];
  const edge = { write: (line: string) => lines.push(line), now: () => new Date(0), monotonicMs: () => 0, pid: 1 };
  return { lines, log: createLogger({ verbosity: 1, showTime: false, showPid: false }, edge) };
}

describe('the service manager', () => {
  let receiver: DatagramReceiver;
  let manager: ServiceManager;

  beforeEach(() => {
    receiver = new DatagramReceiver(NAME);
    manager = ServiceManager.fromEnvironment(logger().log, { NOTIFY_SOCKET: NAME });
  });

  afterEach(() => {
    manager.stopping('the end of the test');
    receiver.close();
  });

  it('hears once that the tunnel is ready, then only what has changed', () => {
    manager.status('no route');
    manager.ready('sent');
    manager.ready('sent');
    manager.ready('answered');
    manager.status('answered');
    assert.equal(receiver.take(), 'STATUS=no route');
    assert.equal(receiver.take(), 'READY=1\nSTATUS=sent');
    assert.equal(receiver.take(), 'STATUS=answered');
    assert.equal(receiver.pending(), false);
  });

  it('hears when a reload begins, by the monotonic clock, and that it is over even if it failed', () => {
    manager.ready('sent');
    receiver.take();
    const before = process.hrtime.bigint() / 1000n;
    assert.throws(() => {
      manager.reload(() => {
        manager.status('no route');
        throw new Error('no route');
      });
    }, /no route/);
    const [, usec] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(receiver.take()) ?? [];
    assert.ok(BigInt(usec ?? 0) >= before && BigInt(usec ?? 0) <= process.hrtime.bigint() / 1000n);
    assert.equal(receiver.take(), 'STATUS=no route');
    assert.equal(receiver.take(), 'READY=1');
  });

  it('hears of no reload before the start is over: READY=1 would end the start', () => {
    let worked = false;
    manager.reload(() => {
      worked = true;
    });
    assert.ok(worked);
    assert.equal(receiver.pending(), false);
  });

  it('hears nothing behind the last word', () => {
    manager.ready('sent');
    manager.stopping('SIGTERM');
    manager.stopping('SIGINT');
    manager.ready('sent again');
    receiver.take();
    assert.equal(receiver.take(), 'STOPPING=1\nSTATUS=SIGTERM: stopping');
    assert.equal(receiver.pending(), false);
  });
});

describe('without a service manager', () => {
  it('nothing is sent and nothing is said', () => {
    for (const environment of [{}, { NOTIFY_SOCKET: '' }]) {
      const { log, lines } = logger();
      const manager = ServiceManager.fromEnvironment(log, environment);
      manager.ready('sent');
      manager.stopping('SIGTERM');
      assert.deepEqual(lines, []);
    }
  });

  it('a socket that is no socket, or nobody reads, costs a warning and no tunnel', () => {
    for (const [name, warning] of [
      ['relative', /NOTIFY_SOCKET can't be used.*EINVAL/],
      ['/nonexistent/notify', /notify the service manager: .*ENOENT/],
    ] as const) {
      const { log, lines } = logger();
      const manager = ServiceManager.fromEnvironment(log, { NOTIFY_SOCKET: name });
      manager.ready('sent');
      assert.equal(lines.length, 1);
      assert.match(lines[0] ?? '', warning);
    }
  });
});
