import assert from 'node:assert/strict';
import { before, beforeEach, afterEach, describe, it } from 'mocha';
import { FouClient, FouUnavailableError } from '../../src/netlink/fou/client.js';
import type { FouListenerSpec } from '../../src/netlink/fou/listener.js';
import { isKernelError } from '../../src/netlink/errors.js';
import { exec, inside, namespace, suiteScope, udpSocket } from './support/index.js';
import type { Namespace } from './support/index.js';
import { needsMachine } from '../support/skip.js';

describe('FOU listeners over netlink', () => {
  const scope = suiteScope();
  let ns: Namespace;
  let client: FouClient;

  before(async () => {
    await exec(['modprobe', '-a', 'fou', 'dummy']);
  });
  beforeEach(async () => {
    ns = await namespace(scope, 'fou');
    await ns.ip('link add d0 type dummy', 'addr add 192.0.2.1/24 dev d0', 'link set d0 up');
    client = inside(ns, () => FouClient.open());
  });
  afterEach(() => {
    client.close();
  });

  const shown = async (): Promise<string[]> => {
    const { stdout } = await exec(['ip', '-n', ns.name, 'fou', 'show']);
    return stdout.split('\n').filter((line) => line !== '');
  };

  it('are none in a new namespace', async () => {
    assert.deepEqual(await client.listeners(), []);
  });

  it('are the listeners that `ip` makes, made by us and seen by us', async () => {
    const ifindex = ((await ns.ipJson('link show dev d0')) as [{ ifindex: number }])[0].ifindex;
    const cases: [FouListenerSpec, string][] = [
      [{ port: 10_000, type: 'fou', ipproto: 4 }, 'port 10000 ipproto 4'],
      [{ port: 10_000, type: 'gue' }, 'port 10000 gue'],
      [{ port: 10_000, type: 'fou', ipproto: 4, local: '192.0.2.1' }, 'port 10000 ipproto 4 local 192.0.2.1'],
      [
        { port: 10_000, type: 'fou', ipproto: 4, local: '192.0.2.1', ifindex },
        'port 10000 ipproto 4 local 192.0.2.1 dev d0',
      ],
      [
        { port: 10_000, type: 'fou', ipproto: 4, local: '192.0.2.1', peer: '192.0.2.9', peerPort: 77 },
        'port 10000 ipproto 4 local 192.0.2.1 peer 192.0.2.9 peer_port 77',
      ],
    ];
    for (const [spec, line] of cases) {
      await client.add(spec);
      const ours = await shown();
      assert.deepEqual(await client.listeners(), [{ ...spec, family: 'ipv4' }], line);
      await client.delete(spec);
      assert.deepEqual(await shown(), []);
      await ns.ip(`fou add ${line}`);
      assert.deepEqual(ours, await shown(), line);
      assert.deepEqual(await client.listeners(), [{ ...spec, family: 'ipv4' }], line);
      await client.delete(spec);
    }
  });

  it('are refused where the port is taken, by a listener or by any socket', async () => {
    const taken = (error: unknown): boolean =>
      isKernelError(error, 'EADDRINUSE') && error.message.startsWith('cannot add FOU listener on UDP port 10000');
    await client.add({ port: 10_000, type: 'fou', ipproto: 4 });
    await assert.rejects(client.add({ port: 10_000, type: 'fou', ipproto: 4 }), taken);
    await client.delete({ port: 10_000 });
    udpSocket(scope, ns, '192.0.2.1', 10_000);
    await assert.rejects(client.add({ port: 10_000, type: 'fou', ipproto: 4 }), taken);
  });

  it('are deleted by their whole key only', async () => {
    const spec: FouListenerSpec = { port: 10_000, type: 'fou', ipproto: 4, local: '192.0.2.1' };
    await client.add(spec);
    await assert.rejects(client.delete({ port: 10_000 }), (error) => isKernelError(error, 'EINVAL'));
    await client.delete(spec);
    assert.deepEqual(await client.listeners(), []);
  });

  it('need a module, which a typed error names', async function () {
    needsMachine.call(this);
    await exec(['modprobe', '-r', 'fou']);
    try {
      await assert.rejects(client.listeners(), FouUnavailableError);
      await assert.rejects(client.add({ port: 1, type: 'fou', ipproto: 4 }), /kernel module fou is not loaded/);
    } finally {
      await exec(['modprobe', 'fou']);
    }
    assert.deepEqual(await client.listeners(), []);
  });
});
