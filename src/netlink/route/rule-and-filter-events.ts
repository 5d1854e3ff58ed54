/** When rules of policy routing or filters of devices are made or removed, of all IP versions and whoever does it. */
import { NETLINK_ROUTE } from '../constants.js';
import { OverrunWatch } from '../overrun-watch.js';
import { NetlinkSocket } from '../socket.js';
import {
  RTM_DELQDISC,
  RTM_DELRULE,
  RTM_DELTFILTER,
  RTM_NEWQDISC,
  RTM_NEWRULE,
  RTM_NEWTFILTER,
  RTNLGRP_IPV4_RULE,
  RTNLGRP_IPV6_RULE,
  RTNLGRP_TC,
} from './constants.js';
import { filterDevice } from './type-filter.js';

export interface RuleAndFilterMonitorOptions {
  readonly onRule: () => void;
  /** With the device's index. */
  readonly onFilter: (index: number) => void;
  /** Events were lost: whoever follows the state must read it anew. */
  readonly onOverrun: () => void;
  /** Told of messages that can't be read; by default such an error is thrown outside. */
  readonly onError?: (error: Error) => void;
  /** How often to look for lost events while none arrives. Default 5000. */
  readonly overrunCheckMs?: number;
}

const FILTER_MESSAGES: ReadonlySet<number> = new Set([RTM_NEWQDISC, RTM_DELQDISC, RTM_NEWTFILTER, RTM_DELTFILTER]);

export class RuleAndFilterMonitor {
  private readonly socket: NetlinkSocket;
  private readonly watch: OverrunWatch;

  private constructor(socket: NetlinkSocket, watch: OverrunWatch) {
    this.socket = socket;
    this.watch = watch;
  }

  /** Starts to listen. Every change made after this returns is told, or an overrun is. */
  static open(options: RuleAndFilterMonitorOptions): RuleAndFilterMonitor {
    const { onRule, onFilter, onOverrun, onError, overrunCheckMs = 5000 } = options;
    const socket = NetlinkSocket.open(NETLINK_ROUTE, {
      groups: [RTNLGRP_TC, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE],
      ...(onError !== undefined && { onError }),
    });
    socket.onMessage(({ type, body }) => {
      if (type === RTM_NEWRULE || type === RTM_DELRULE) onRule();
      const index = FILTER_MESSAGES.has(type) ? filterDevice(body) : undefined;
      if (index !== undefined) onFilter(index);
    });
    return new RuleAndFilterMonitor(socket, new OverrunWatch(socket, overrunCheckMs, onOverrun));
  }

  close(): void {
    this.watch.stop();
    this.socket.close();
  }
}
