/** Auth packets that come out of the tunnel itself: one must not point it into itself. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { ask, SOCKET_NAME } from '../../../../src/control/index.js';
import { answersPing, rawSender, Scope, udpPacket, udpSocket, waitUntil } from '../index.js';
import {
  asInnerPacket,
  authPacket,
  CLIENT_INNER,
  natTunnel,
  PORT,
  receivedPackets,
  SERVER_INNER,
  stateDir,
  type NatTunnel,
} from '../tunnel.js';
import { NAT_OUTER, SERVER_OUTER } from '../wan.js';
import { SUITE_TIMEOUT_MS, type PlaneSuite } from './plane.js';

const SEEN_AT = 40_021;

export function describeFromInside({ plane, needs = [] }: PlaneSuite): void {
  describe(`an auth packet out of a tunnel (${plane})`, function () {
    this.timeout(SUITE_TIMEOUT_MS);
    const scope = new Scope();
    const controlDir = stateDir(scope);
    const args = ['--data-plane', plane];
    let tunnel: NatTunnel;

    for (const need of needs) before(need);
    before(async function () {
      this.timeout(SUITE_TIMEOUT_MS);
      // By address alone: a server that is bound to its device would not hear it at all.
      tunnel = await natTunnel(scope, { local: SERVER_OUTER, args: [...args, '--control-dir', controlDir] }, { args });
      await tunnel.moveTo(SEEN_AT);
    });
    after(() => scope.close());

    const stays = async (since: number): Promise<void> => {
      const asked = await ask(join(controlDir, SOCKET_NAME), 'status');
      assert.match(JSON.stringify(asked), /auth packets? from inside (?:a|the) tunnel/);
      assert.doesNotMatch(tunnel.server.log.slice(since), /client moved/);
      assert.ok(await answersPing(tunnel.net.client, SERVER_INNER));
      assert.ok(await answersPing(tunnel.net.server, CLIENT_INNER));
    };

    it('leaves it where it is, however fresh its signature', async () => {
      const { server, stranger } = tunnel.net;
      const fromInside = udpPacket({
        from: `${CLIENT_INNER}:5555`,
        to: `${SERVER_OUTER}:${PORT}`,
        payload: authPacket(tunnel.keys, Math.floor(Date.now() / 1000) + 5),
      });
      const [before, since] = [await receivedPackets(server), tunnel.server.mark()];
      const payload = asInnerPacket(fromInside);
      rawSender(scope, stranger).udp({ from: `${NAT_OUTER}:${SEEN_AT}`, to: `${SERVER_OUTER}:${PORT}`, payload });
      await waitUntil(async () => (await receivedPackets(server)) > before, { what: 'the packet out of the tunnel' });
      await stays(since);
    });

    it('leaves it where it is when a program of the client sends it by the tunnel', async () => {
      const { server, client } = tunnel.net;
      const [before, since] = [await receivedPackets(server), tunnel.server.mark()];
      await client.ip(`route add ${SERVER_OUTER}/32 dev ipipou0 table 77`, `rule add from ${CLIENT_INNER} table 77`);
      const socket = udpSocket(scope, client, CLIENT_INNER, 5556);
      socket.send(authPacket(tunnel.keys, Math.floor(Date.now() / 1000) + 6), PORT, SERVER_OUTER);
      await waitUntil(async () => (await receivedPackets(server)) > before, { what: 'the packet out of the tunnel' });
      await stays(since);
    });
  });
}
