import assert from 'node:assert/strict';
import { parseQueueCounters } from '../../../src/netlink/queue/counters.js';

describe('packet queue counters', () => {
  it('are read from the kernel’s table', () => {
    const table =
      '    0  10897     1 2   128     7     3      112  1\n10000 3221225472  0 2 65531     0     0        0  1\n';
    assert.deepEqual(parseQueueCounters(table), [
      { queueNumber: 0, portId: 10_897, waiting: 1, queueDropped: 7, userDropped: 3 },
      { queueNumber: 10_000, portId: 3_221_225_472, waiting: 0, queueDropped: 0, userDropped: 0 },
    ]);
  });

  it('are none in an empty table', () => {
    assert.deepEqual(parseQueueCounters(''), []);
  });
});
