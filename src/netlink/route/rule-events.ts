/** When rules of policy routing are made or removed, of both IP versions and whoever does it. */
import { NETLINK_ROUTE } from '../constants.js';
import { OverrunWatch } from '../overrun-watch.js';
import { NetlinkSocket } from '../socket.js';
import { RTM_DELRULE, RTM_NEWRULE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE } from './constants.js';

export interface RuleMonitorOptions {
  /** One was, or events were lost, and one may have been. */
  readonly onChange: () => void;
  /** Told of messages that can't be read; by default such an error is thrown outside. */
  readonly onError?: (error: Error) => void;
  /** How often to look for lost events while none arrives. Default 5000. */
  readonly overrunCheckMs?: number;
}

export class RuleMonitor {
  private readonly socket: NetlinkSocket;
  private readonly watch: OverrunWatch;

  private constructor(socket: NetlinkSocket, watch: OverrunWatch) {
    this.socket = socket;
    this.watch = watch;
  }

  /** Starts to listen. Every change made after this returns is told. */
  static open({ onChange, onError, overrunCheckMs = 5000 }: RuleMonitorOptions): RuleMonitor {
    const socket = NetlinkSocket.open(NETLINK_ROUTE, {
      groups: [RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE],
      ...(onError !== undefined && { onError }),
    });
    socket.onMessage(({ type }) => {
      if (type === RTM_NEWRULE || type === RTM_DELRULE) onChange();
    });
    const watch = new OverrunWatch(socket, overrunCheckMs, onChange);
    return new RuleMonitor(socket, watch);
  }

  close(): void {
    this.watch.stop();
    this.socket.close();
  }
}
