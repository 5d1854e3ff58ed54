import type { Namespace } from './namespace.js';
import { udpPacket } from './packet.js';
import type { Scope } from './scope.js';
import { rawSender, udpSocket } from './sockets.js';
import { CLIENT_INNER, PORT, SERVER_INNER } from './tunnel.js';
import { CLIENT_OUTER, NAT_OUTER, SERVER_OUTER, STRANGER_OUTER } from './wan.js';

const INNER_PORT = 7777;
const EVERY_MS = 20;

/** An inner UDP packet to a port of the victim, as a tunnel's payload. */
function innerDatagram(from: string, to: string): Buffer {
  const packet = udpPacket({ from: `${from}:5`, to: `${to}:${INNER_PORT}`, payload: Buffer.from('forged') });
  let sum = 0;
  for (let offset = 0; offset < 20; offset += 2) sum += packet.readUInt16BE(offset);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  packet.writeUInt16BE(~sum & 0xffff, 10);
  return packet;
}

/** Where from and where to. */
type Way = readonly [from: string, to: string];

export interface Attack {
  /** Who sends, and who is to be entered. */
  readonly from: Namespace;
  readonly victim: Namespace;
  /** Of the inner packets. */
  readonly inner: Way;
  /** Endpoints that nobody is bound to, and others' own addresses. */
  readonly forged: readonly Way[];
  /** The victim's outer endpoint. */
  readonly to: string;
}

/** From the server's cable: from strange endpoints, and straight to the internal address. */
export const onServer = (stranger: Namespace, server: Namespace, internal: string): Attack => ({
  from: stranger,
  victim: server,
  inner: [CLIENT_INNER, SERVER_INNER],
  forged: [
    [`${STRANGER_OUTER}:${PORT}`, `${SERVER_OUTER}:${PORT}`],
    [`${NAT_OUTER}:1`, `${SERVER_OUTER}:${PORT}`],
    [`${NAT_OUTER}:1`, `${internal}:${PORT}`],
  ],
  to: `${SERVER_OUTER}:${PORT}`,
});

/** From the client's cable, in the server's name too. (The router itself would translate what it sends so.) */
export const onClient = (neighbour: Namespace, client: Namespace, internal: string): Attack => ({
  from: neighbour,
  victim: client,
  inner: [SERVER_INNER, CLIENT_INNER],
  forged: [
    [`${STRANGER_OUTER}:${PORT}`, `${CLIENT_OUTER}:${PORT}`],
    [`${SERVER_OUTER}:1`, `${CLIENT_OUTER}:${PORT}`],
    [`${SERVER_OUTER}:${PORT}`, `${internal}:${PORT}`],
  ],
  to: `${CLIENT_OUTER}:${PORT}`,
});

/** Sends inner packets all the time that must not enter. A program on the victim counts what comes out of the tunnel. */
export class Forger {
  /** How many came through. */
  entered = 0;
  sent = 0;
  private readonly send: (way: Way) => void;
  private readonly to: string;

  constructor(scope: Scope, { from, victim, inner, forged, to }: Attack) {
    const payload = innerDatagram(...inner);
    const sender = rawSender(scope, from);
    this.to = to;
    this.send = ([source, destination]) => {
      sender.udp({ from: source, to: destination, payload });
    };
    udpSocket(scope, victim, '0.0.0.0', INNER_PORT).on('message', () => (this.entered += 1));
    const timer = setInterval(() => {
      this.sent += forged.length;
      for (const way of forged) this.send(way);
    }, EVERY_MS);
    scope.defer(() => {
      clearInterval(timer);
      return undefined;
    });
  }

  /** The same from an endpoint that is let in. */
  sendFrom(bound: string): void {
    this.send([bound, this.to]);
  }
}
