import assert from 'node:assert/strict';
import { NETLINK_ROUTE } from '../../src/netlink/constants.js';
import { OverrunWatch } from '../../src/netlink/overrun-watch.js';
import { RTNLGRP_LINK } from '../../src/netlink/route/constants.js';
import { NetlinkSocket } from '../../src/netlink/socket.js';
import { TestNamespace } from '../support/namespace.js';
import { needsRoot } from '../support/skip.js';
import { until } from '../support/until.js';

describe('OverrunWatch', () => {
  it('finds a loss by its timer alone, and tells it once', async function () {
    needsRoot.call(this);
    const namespace = new TestNamespace();
    const socket = namespace.inside(() =>
      NetlinkSocket.open(NETLINK_ROUTE, { groups: [RTNLGRP_LINK], receiveBufferBytes: 1 }),
    );
    const losses: number[] = [];
    const watch = new OverrunWatch(socket, 5, (lost) => losses.push(lost));
    try {
      const script = Array.from({ length: 50 }, (_, step) => `link set lo mtu ${1300 + step}`).join('\n');
      namespace.feed(script, 'ip', '-batch', '-');
      await until(() => losses.length > 0);
      watch.check();
      assert.equal(losses.length, 1);
      assert.equal(losses[0], socket.droppedCount());
    } finally {
      watch.stop();
      socket.close();
      namespace.remove();
    }
  });
});
