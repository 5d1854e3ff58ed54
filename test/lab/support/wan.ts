import { namespaces, veths, type Namespace } from './namespace.js';
import { makeNatRouter } from './topology.js';
import type { Scope } from './scope.js';

/**
 * A wide area network as a switch, with a stranger on it who may send what it likes:
 *
 *     client 10.9.1.2 ─ 10.9.1.1 [ NAT ] 10.9.2.1 ─┐
 *                                     10.9.2.66 ───┤ switch ├─── 10.9.2.2
 *                                     stranger     └────────┘    server
 *     second client 10.9.1.3 hangs on the same NAT.
 */
export interface WanTopology {
  readonly client: Namespace;
  readonly second: Namespace;
  readonly router: Namespace;
  readonly stranger: Namespace;
  readonly server: Namespace;
}

export const CLIENT_OUTER = '10.9.1.2';
export const SERVER_OUTER = '10.9.2.2';
export const NAT_OUTER = '10.9.2.1';
export const STRANGER_OUTER = '10.9.2.66';

export async function wanTopology(scope: Scope): Promise<WanTopology> {
  const [client, second, router, stranger, server, middle] = await namespaces(
    scope,
    'client',
    'second',
    'router',
    'stranger',
    'server',
    'switch',
  );
  await Promise.all([
    middle.ip('link add wan type bridge', 'link set wan up'),
    router.ip('link add lan type bridge', 'addr add 10.9.1.1/24 dev lan', 'link set lan up'),
  ]);
  await veths(
    [
      { ns: server, device: 'wan', address: `${SERVER_OUTER}/24` },
      { ns: middle, device: 'to-server' },
    ],
    [
      { ns: router, device: 'wan', address: `${NAT_OUTER}/24` },
      { ns: middle, device: 'to-router' },
    ],
    [
      { ns: stranger, device: 'wan', address: `${STRANGER_OUTER}/24` },
      { ns: middle, device: 'to-stranger' },
    ],
    [
      { ns: client, device: 'inside', address: '10.9.1.2/24' },
      { ns: router, device: 'to-client' },
    ],
    [
      { ns: second, device: 'inside', address: '10.9.1.3/24' },
      { ns: router, device: 'to-second' },
    ],
  );
  await Promise.all([
    middle.ip(...['server', 'router', 'stranger'].map((end) => `link set to-${end} master wan`)),
    router.ip('link set to-client master lan', 'link set to-second master lan'),
    ...[client, second].map((ns) => ns.ip('route add default via 10.9.1.1')),
    makeNatRouter(router, 'wan'),
  ]);
  return { client, second, router, stranger, server };
}
