import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import {
  answersPing,
  barrier,
  exec,
  rawSender,
  start,
  startCapture,
  suiteScope,
  udpPacket,
  waitUntil,
  type Namespace,
  type RawSender,
} from '../index.js';
import { CLIENT_INNER, innerPing, PORT, receivedPackets, SERVER_INNER, type NatTunnel } from '../tunnel.js';
import { SERVER_OUTER, STRANGER_OUTER } from '../wan.js';
import { planeTunnel, SUITE_TIMEOUT_MS, type PlaneSuite, type PlaneTunnel } from './plane.js';

const TRANSFER_BYTES = 2_000_000;
const TCP_PORT = 5201;

/** Narrow ways, and packets cut up on them, whatever carries the tunnel. */
export function describePathMtu({ plane, needs = [] }: PlaneSuite): void {
  describe(`a path with an MTU of 1280 in the middle (${plane})`, function () {
    this.timeout(SUITE_TIMEOUT_MS);
    for (const need of needs) before(need);
    const scope = suiteScope();
    let tunnel: NatTunnel;

    before(async () => {
      ({ tunnel } = await planeTunnel(scope, plane));
      await tunnel.net.router.ip(
        'route replace 10.9.2.0/24 dev wan mtu 1280',
        'route replace 10.9.1.0/24 dev lan mtu 1280',
      );
    });

    const directions: [string, (net: NatTunnel['net']) => Namespace, string][] = [
      ['from the client', (net) => net.client, SERVER_INNER],
      ['from the server', (net) => net.server, CLIENT_INNER],
    ];
    for (const [name, from, to] of directions) {
      it(`is learnt ${name}: the sender is told 1252`, async () => {
        await waitUntil(
          async () => {
            const args = ['ping', '-n', '-M', 'do', '-s', '1400', '-c', '2', '-i', '0.2', '-W', '1', to];
            const { stdout, stderr } = await from(tunnel.net).exec(args, { mayFail: true });
            // By ICMP, or at once by a device whose MTU has followed.
            return /mtu ?[=:] ?1252/.test(stdout + stderr);
          },
          { what: 'the learnt MTU' },
        );
        assert.ok(await answersPing(from(tunnel.net), to, undefined, ['-M', 'do', '-s', String(1252 - 28)]));
      });

      it(`lets long packets ${name} that may be cut up through, none of them cut up outside`, async () => {
        // Whoever may cut the outer packets up (no DF, RFC 791) learns no MTU, and loses the ports that we tell senders by.
        const other = from(tunnel.net) === tunnel.net.client ? tunnel.net.server : tunnel.net.client;
        const device = other === tunnel.net.client ? 'inside' : 'wan';
        const cut = await startCapture(scope, other, device, 'inbound and ip and ip[6:2] & 0x7fff != 0x4000');
        assert.ok(await answersPing(from(tunnel.net), to, undefined, ['-M', 'dont', '-s', '1400']));
        await barrier(tunnel.net.stranger, SERVER_OUTER);
        assert.equal(await cut.stop(), 0);
      });

      it(`lets a TCP transfer ${name} through whole`, async () => {
        const ns = from(tunnel.net);
        const other = ns === tunnel.net.client ? tunnel.net.server : tunnel.net.client;
        const receiver = start(scope, other, ['sh', '-c', `socat -u TCP-LISTEN:${TCP_PORT} - | sha256sum`]);
        const listens = async (): Promise<boolean> =>
          (await other.exec(['ss', '-tln'])).stdout.includes(`:${TCP_PORT}`);
        await waitUntil(listens, { what: 'a receiver' });
        const bytes = `head -c ${TRANSFER_BYTES} /dev/zero`;
        await ns.exec(['sh', '-c', `${bytes} | socat -u - TCP:${to}:${TCP_PORT}`]);
        await receiver.exit;
        assert.equal(receiver.log, (await exec(['sh', '-c', `${bytes} | sha256sum`])).stdout);
      });
    }
  });

  describe(`outer packets in fragments (${plane})`, function () {
    this.timeout(SUITE_TIMEOUT_MS);
    for (const need of needs) before(need);
    const scope = suiteScope();
    let tunnel: NatTunnel;
    let sender: RawSender;
    let bound = '';
    let entered: PlaneTunnel['entered'];

    before(async () => {
      const made = await planeTunnel(scope, plane);
      ({ tunnel, entered } = made);
      sender = rawSender(scope, tunnel.net.stranger);
      bound = (await made.endpoint()) ?? '';
    });

    /** Cuts a UDP packet's IP payload (RFC 791: offsets in units of 8 bytes). */
    function sendInFragments(from: string, payload: Buffer, cuts: readonly number[]): void {
      const whole = udpPacket({ from, to: `${SERVER_OUTER}:${PORT}`, payload });
      const header = whole.subarray(0, 20);
      const body = whole.subarray(20);
      const id = (fragmentId += 1);
      const edges = [0, ...cuts, body.length];
      for (const [index, start] of edges.slice(0, -1).entries()) {
        const end = edges[index + 1] ?? body.length;
        const packet = Buffer.concat([header, body.subarray(start, end)]);
        packet.writeUInt16BE(packet.length, 2);
        packet.writeUInt16BE(id, 4);
        packet.writeUInt16BE((end < body.length ? 0x2000 : 0) | (start / 8), 6);
        sender.ip(packet, SERVER_OUTER);
      }
    }
    let fragmentId = 100;

    async function entering(from: string, cuts: readonly number[]): Promise<number> {
      const before = await receivedPackets(tunnel.net.server);
      sendInFragments(from, innerPing(CLIENT_INNER, SERVER_INNER, 5, 1), cuts);
      await barrier(tunnel.net.stranger, SERVER_OUTER);
      return await entered(before);
    }

    // The first cut leaves only the UDP header in the first fragment, the others split the inner headers.
    for (const cuts of [[8], [16], [24], [8, 16, 24, 32, 40]]) {
      it(`cut at ${cuts.join(', ')} enter whole from the bound endpoint, and not at all from others`, async () => {
        assert.equal(await entering(bound, cuts), 1);
        assert.equal(await entering(`${STRANGER_OUTER}:${PORT}`, cuts), 0);
        assert.equal(await entering(bound.replace(/\d+$/, '9'), cuts), 0);
      });
    }
  });
}
