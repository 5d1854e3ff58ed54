import assert from 'node:assert/strict';
import type { Socket } from 'node:dgram';
import { before, describe, it } from 'mocha';
import { rawSender, suiteScope, udpSocket, waitUntil, type RawSender } from '../index.js';
import { authPacket, makeKeys, PORT, refusal, SECRET, type NatTunnel } from '../tunnel.js';
import { SERVER_OUTER, STRANGER_OUTER } from '../wan.js';
import { planeTunnel, SUITE_TIMEOUT_MS, type PlaneSuite, type PlaneTunnel } from './plane.js';

const FROM = `${STRANGER_OUTER}:20000`;
const TO = `${SERVER_OUTER}:${PORT}`;
const DAY = 86_400;

/** What the server makes of packets that prove nothing, whatever carries the tunnel. */
export function describeRefusals({ plane, needs = [] }: PlaneSuite): void {
  describe(`an auth packet that proves nothing (${plane})`, function () {
    this.timeout(SUITE_TIMEOUT_MS);
    for (const need of needs) before(need);
    const scope = suiteScope();
    let tunnel: NatTunnel;
    let endpoint: PlaneTunnel['endpoint'];
    let stranger: RawSender;
    let honest: Socket;
    let bound: string | undefined;

    const seconds = (): number => Math.floor(Date.now() / 1000);

    before(async () => {
      ({ tunnel, endpoint } = await planeTunnel(scope, plane));
      stranger = rawSender(scope, tunnel.net.stranger);
      // Whoever has the keys is the client: this one stands where the packets can be captured.
      honest = udpSocket(scope, tunnel.net.stranger, STRANGER_OUTER, 20_001);
      bound = await endpoint();
    });

    /** Sends it from an endpoint of the stranger's until the server has said why not. */
    async function refused(payload: Buffer, reason: string): Promise<void> {
      const send = (): void => {
        stranger.udp({ from: FROM, to: TO, payload });
      };
      await refusal(tunnel.server, FROM, send, reason);
      assert.equal(await endpoint(), bound);
    }

    /** Has it accepted, from the honest endpoint: the server answers. */
    async function accepted(payload: Buffer): Promise<void> {
      const answer = new Promise((resolve) => honest.once('message', resolve));
      honest.send(payload, PORT, SERVER_OUTER);
      await answer;
      await waitUntil(async () => (await endpoint()) === `${STRANGER_OUTER}:20001`, {
        what: 'the roam',
      });
      bound = `${STRANGER_OUTER}:20001`;
    }

    it('is refused when signed by another key', () => refused(authPacket(makeKeys()), 'signature'));

    it('is refused when signed with another secret', () =>
      refused(authPacket(tunnel.keys, seconds(), `${SECRET}!`), 'signature'));

    it('is refused when its time is before the newest accepted one', () =>
      refused(authPacket(tunnel.keys, seconds() - DAY), 'older'));

    it('is refused when its time is more than a day ahead, and locks nobody out', async () => {
      await refused(authPacket(tunnel.keys, seconds() + 2 * DAY), 'clock');
      await refused(authPacket(tunnel.keys, 2 ** 40 - 1), 'clock');
      await accepted(authPacket(tunnel.keys, seconds() + 3));
    });

    it('is refused when it was sent before', async () => {
      const captured = authPacket(tunnel.keys, seconds() + 10);
      await accepted(captured);
      await refused(captured, 'replayed');
      assert.equal(await endpoint(), `${STRANGER_OUTER}:20001`);
    });

    for (const [index, signal] of (['SIGTERM', 'SIGKILL'] as const).entries()) {
      it(`is refused also after the server was ended by ${signal} and started again`, async () => {
        // Another second each, which the state file shows.
        const time = seconds() + 20 + 20 * index;
        const captured = authPacket(tunnel.keys, time);
        await accepted(captured);
        // It is on the disk some milliseconds after the tunnel has moved, which waits for no disk.
        if (signal === 'SIGKILL') await tunnel.remembers(time);
        await tunnel.server.kill(signal);
        await tunnel.startServerAgain();
        // Of a process in userspace nothing is left.
        if (signal === 'SIGTERM' || plane === 'userspace') bound = undefined;
        await refused(captured, '(replayed|older)');
      });
    }
  });
}
