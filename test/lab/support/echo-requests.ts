/** How many pings a namespace has taken in, as its own counters say (RFC 2011, RFC 4293). */
import type { Namespace } from './namespace.js';

export async function echoRequests(ns: Namespace): Promise<number> {
  const { stdout } = await ns.exec(['cat', '/proc/thread-self/net/snmp']);
  const [names = '', values = ''] = stdout.split('\n').filter((line) => line.startsWith('Icmp:'));
  return Number(values.split(' ')[names.split(' ').indexOf('InEchos')]);
}

export async function echoRequests6(ns: Namespace): Promise<number> {
  const { stdout } = await ns.exec(['cat', '/proc/thread-self/net/snmp6']);
  return Number(/^Icmp6InEchos\s+(\d+)/m.exec(stdout)?.[1] ?? 0);
}
