import type { Namespace } from './namespace.js';
import { udpPacket } from './packet.js';
import type { Scope } from './scope.js';
import { rawSender, udpSocket } from './sockets.js';
import { CLIENT_INNER, PORT, SERVER_INNER } from './tunnel.js';
import { NAT_OUTER, SERVER_OUTER, STRANGER_OUTER } from './wan.js';

const INNER_PORT = 7777;
const EVERY_MS = 20;

/** An inner UDP packet from the client to a port of the server, as a tunnel's payload. */
function innerDatagram(): Buffer {
  const packet = udpPacket({
    from: `${CLIENT_INNER}:5`,
    to: `${SERVER_INNER}:${INNER_PORT}`,
    payload: Buffer.from('forged'),
  });
  let sum = 0;
  for (let offset = 0; offset < 20; offset += 2) sum += packet.readUInt16BE(offset);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  packet.writeUInt16BE(~sum & 0xffff, 10);
  return packet;
}

/**
 * A neighbour on the server's cable who sends inner packets all the time: from endpoints that are bound to nobody, and
 * straight to the internal address. A program on the server counts what comes out of the tunnel.
 */
export class Forger {
  /** How many came through. */
  entered = 0;
  sent = 0;
  private readonly send: (from: string, to: string) => void;

  constructor(scope: Scope, stranger: Namespace, server: Namespace, internal: string) {
    const payload = innerDatagram();
    const sender = rawSender(scope, stranger);
    this.send = (from, to) => {
      sender.udp({ from, to, payload });
    };
    udpSocket(scope, server, '0.0.0.0', INNER_PORT).on('message', () => (this.entered += 1));
    const timer = setInterval(() => {
      this.sent += 3;
      this.send(`${STRANGER_OUTER}:${PORT}`, `${SERVER_OUTER}:${PORT}`);
      this.send(`${NAT_OUTER}:1`, `${SERVER_OUTER}:${PORT}`);
      this.send(`${NAT_OUTER}:1`, `${internal}:${PORT}`);
    }, EVERY_MS);
    scope.defer(() => {
      clearInterval(timer);
      return undefined;
    });
  }

  /** The same from an endpoint that is let in. */
  sendFrom(bound: string): void {
    this.send(bound, `${SERVER_OUTER}:${PORT}`);
  }
}
