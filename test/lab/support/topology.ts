import { namespaces, veth, veths } from './namespace.js';
import type { Namespace } from './namespace.js';
import type { Scope } from './scope.js';

/**
 *     client ── 10.9.1.2/24 ── 10.9.1.1 [ router: masquerades ] 10.9.2.1 ── 10.9.2.2/24 ── server
 *               inside                                              wan                    wan
 *
 * The server has no route to 10.9.1.0/24, as it is on the internet: it sees the router's 10.9.2.1 alone.
 */
export interface NatTopology {
  readonly client: Namespace;
  readonly router: Namespace;
  readonly server: Namespace;
  readonly clientAddress: '10.9.1.2';
  readonly natAddress: '10.9.2.1';
  readonly serverAddress: '10.9.2.2';
}

export async function natTopology(scope: Scope): Promise<NatTopology> {
  const [client, router, server] = await namespaces(scope, 'client', 'router', 'server');
  await veths(
    [
      { ns: client, device: 'inside', address: '10.9.1.2/24' },
      { ns: router, device: 'inside', address: '10.9.1.1/24' },
    ],
    [
      { ns: server, device: 'wan', address: '10.9.2.2/24' },
      { ns: router, device: 'wan', address: '10.9.2.1/24' },
    ],
  );
  await client.ip('route add default via 10.9.1.1');
  await makeNatRouter(router, 'wan');
  return { client, router, server, clientAddress: '10.9.1.2', natAddress: '10.9.2.1', serverAddress: '10.9.2.2' };
}

/**
 * Makes the namespace forward, and hide what leaves by `device` behind that device's address. With `udpPort`, UDP flows
 * leave from that one port, so a test can move a client's endpoint by calling this again with another.
 * Known flows are forgotten, as a router does that was restarted.
 */
export async function makeNatRouter(router: Namespace, device: string, udpPort?: number): Promise<void> {
  const udp = udpPort === undefined ? '' : `oifname "${device}" meta l4proto udp masquerade to :${udpPort}`;
  await router.sysctl({ 'net.ipv4.ip_forward': 1 });
  await router.nft(`
    table ip lab-nat
    delete table ip lab-nat
    table ip lab-nat {
      chain post {
        type nat hook postrouting priority srcnat
        ${udp}
        oifname "${device}" masquerade
      }
    }`);
  await router.exec(['conntrack', '-F']);
}

/** Two hosts on one cable: `a` 10.9.3.1/24 and `b` 10.9.3.2/24, device `eth` in both. */
export async function pairTopology(scope: Scope): Promise<{ readonly a: Namespace; readonly b: Namespace }> {
  const [a, b] = await namespaces(scope, 'a', 'b');
  await veth({ ns: a, device: 'eth', address: '10.9.3.1/24' }, { ns: b, device: 'eth', address: '10.9.3.2/24' });
  return { a, b };
}
