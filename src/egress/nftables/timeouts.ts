/** The timeouts of a policy, given to a connection with its first packet. */
import {
  CTA_TIMEOUT_TCP_ESTABLISHED,
  CTA_TIMEOUT_TCP_SYN_RECV,
  CTA_TIMEOUT_TCP_SYN_SENT,
  CTA_TIMEOUT_UDP_REPLIED,
  CTA_TIMEOUT_UDP_UNREPLIED,
  NFT_OBJECT_CT_TIMEOUT,
} from '../../netlink/nftables/constants.js';
import { objref } from '../../netlink/nftables/expressions/index.js';
import type { AddressFamily } from '../address.js';
import type { TimeoutKey, Timeouts } from '../timeouts.js';
import { IPPROTO_TCP, IPPROTO_UDP, protocolIs } from './matches.js';
import type { TableBuilder } from './table-builder.js';

/** Which of a protocol's states a key is about. */
const STATES: Readonly<Record<'tcp' | 'udp', readonly (readonly [TimeoutKey, number])[]>> = {
  tcp: [
    ['tcp-connect-timeout', CTA_TIMEOUT_TCP_SYN_SENT],
    ['tcp-connect-timeout', CTA_TIMEOUT_TCP_SYN_RECV],
    ['tcp-timeout', CTA_TIMEOUT_TCP_ESTABLISHED],
  ],
  udp: [
    ['udp-connect-timeout', CTA_TIMEOUT_UDP_UNREPLIED],
    ['udp-timeout', CTA_TIMEOUT_UDP_REPLIED],
  ],
};
const PROTOCOLS = { tcp: IPPROTO_TCP, udp: IPPROTO_UDP } as const;

/** Adds rules to the chain, which has to be asked before the connection's source is translated. */
export function addTimeouts(table: TableBuilder, chain: string, family: AddressFamily, timeouts: Timeouts): void {
  for (const protocol of ['tcp', 'udp'] as const) {
    const seconds = new Map(
      STATES[protocol].flatMap(([key, state]): [number, number][] =>
        timeouts[key] === undefined ? [] : [[state, timeouts[key]]],
      ),
    );
    if (seconds.size === 0) continue;
    const name = `${chain}-${protocol}`;
    table.ctTimeout({ name, version: family, protocol: PROTOCOLS[protocol], seconds });
    table.rule(chain, 'timeouts', [...protocolIs(PROTOCOLS[protocol]), objref({ type: NFT_OBJECT_CT_TIMEOUT, name })]);
  }
}
