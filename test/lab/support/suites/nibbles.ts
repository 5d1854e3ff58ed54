import assert from 'node:assert/strict';
import type { Socket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { before, describe, it } from 'mocha';
import { skipBecause } from '../../../support/skip.js';
import { suiteScope, udpSocket } from '../index.js';
import { authPacketWithNibble, PORT, type NatTunnel } from '../tunnel.js';
import { SERVER_OUTER, STRANGER_OUTER } from '../wan.js';
import { planeTunnel, SUITE_TIMEOUT_MS, type PlaneSuite } from './plane.js';

const PACKETS = 1000;
/** Below the budget of the ruleset for an unbound source, 100 a second: every second packet comes from one. */
const PACE_MS = 6;

/** Auth packets that look like inner packets, whatever carries the tunnel. */
export function describeNibbles({ plane, needs = [] }: PlaneSuite): void {
  /**
   * One signature in sixteen begins like IPv4, one in sixteen like IPv6. Whoever has the keys is the client, so the
   * stranger's sockets stand for clients that don't draw their salt again.
   */
  describe(`signed packets that begin like an inner packet (${plane})`, function () {
    this.timeout(SUITE_TIMEOUT_MS);
    for (const need of needs) before(need);
    const scope = suiteScope();
    let tunnel: NatTunnel;
    let sockets: Socket[];

    before(async () => {
      ({ tunnel } = await planeTunnel(scope, plane));
      sockets = [21_001, 21_002].map((port) => udpSocket(scope, tunnel.net.stranger, STRANGER_OUTER, port));
    });

    /**
     * Sends them from the sockets, two from the one, two from the other: the first of two is from an unbound endpoint,
     * and binds it. Counts the server's answers.
     */
    async function answered(nibble: number): Promise<number> {
      let answers = 0;
      let heard: () => void = () => undefined;
      const count = (): void => {
        answers += 1;
        heard();
      };
      for (const socket of sockets) socket.on('message', count);
      for (let sent = 0; sent < PACKETS; sent++) {
        const due = performance.now() + PACE_MS;
        const answer = new Promise<void>((resolve) => {
          heard = resolve;
        });
        const socket = sockets[(sent >> 1) % sockets.length];
        socket!.send(authPacketWithNibble(tunnel.keys, nibble), PORT, SERVER_OUTER);
        // A packet that goes unanswered fails the test by its count, after a while.
        await Promise.race([answer, sleep(5000)]);
        await sleep(Math.max(0, due - performance.now()));
      }
      for (const socket of sockets) socket.off('message', count);
      return answers;
    }

    for (const nibble of [4, 6]) {
      it(`authenticate, ${PACKETS} with nibble ${nibble}, every other one from an unbound endpoint`, async () => {
        const since = tunnel.server.mark();
        assert.equal(await answered(nibble), PACKETS);
        // Which of the two moves is told, and which is held back, is a matter of the second's beginning.
        assert.match(
          tunnel.server.log.slice(since),
          /client moved from 10\.9\.2\.66:2100(1|2) to 10\.9\.2\.66:2100(?!\1)/,
        );
      });
    }

    it('leave the last endpoint alone in the kernel, after a thousand roams', async function () {
      if (plane === 'userspace') skipBecause(this, 'the kernel knows no endpoints');
      const map = await tunnel.net.server.nftList('map ip ipipou-0 endpoints');
      assert.equal([...map.matchAll(/ \. \d+ : /g)].length, 1, map);
    });
  });
}
