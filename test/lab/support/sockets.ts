import { closeSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import koffi from 'koffi';
import { inside } from './inside.js';
import { endpoint, udpPacket } from './packet.js';
import type { UdpPacket } from './packet.js';
import type { Namespace } from './namespace.js';
import type { Scope } from './scope.js';

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_RAW = 255;

const libc = koffi.load(null);
const socket = libc.func('int socket(int domain, int type, int protocol)') as (...args: number[]) => number;
const bind = libc.func('int bind(int fd, const void *address, uint32_t length)') as (
  fd: number,
  address: Buffer,
  length: number,
) => number;
const sendto = libc.func(
  'intptr_t sendto(int fd, const void *data, size_t length, int flags, const void *address, uint32_t size)',
) as (fd: number, data: Uint8Array, length: number, flags: number, address: Buffer, size: number) => number;

const recv = libc.func('intptr_t recv(int fd, void *data, size_t length, int flags)') as (
  fd: number,
  data: Buffer,
  length: number,
  flags: number,
) => number;
const MSG_DONTWAIT = 0x40;

function checked(what: string, result: number): number {
  if (result < 0) throw new Error(`${what}: errno ${koffi.errno()}`);
  return result;
}

/** struct sockaddr_in: family (host order), port and address (network order), 8 bytes of nothing. */
function sockaddrIn(address: string, port: number): Buffer {
  const out = Buffer.alloc(16);
  out.writeUInt16LE(AF_INET, 0);
  out.writeUInt16BE(port, 2);
  out.set(address.split('.').map(Number), 4);
  return out;
}

/** Sends IPv4 packets that are wholly the test's own, from addresses nobody has. */
export class RawSender {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** `rawSender.udp({ from: '192.0.2.1:4000', to: '10.9.2.2:10000', payload })` */
  udp(packet: UdpPacket): void {
    this.ip(udpPacket(packet), endpoint(packet.to).address);
  }

  /** A whole IPv4 packet; the kernel fills in its checksum, its length, and an id of 0. Routed by `to`. */
  ip(packet: Uint8Array, to: string): void {
    checked('sendto', sendto(this.#fd, packet, packet.length, 0, sockaddrIn(to, 0), 16));
  }
}

export function rawSender(scope: Scope, ns: Namespace): RawSender {
  const fd = inside(ns, () => checked('socket', socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW)));
  scope.defer(() => {
    closeSync(fd);
    return undefined;
  });
  return new RawSender(fd);
}

/** A UDP socket of Node that lives in the namespace, bound to `address` (any) and `port` (drawn). */
export function udpSocket(scope: Scope, ns: Namespace, address = '0.0.0.0', port = 0): Socket {
  const fd = inside(ns, () => boundUdp(address, port));
  const udp = createSocket('udp4');
  udp.bind({ fd }); // listening when it returns: there is nothing to look up or to bind
  scope.defer(() => {
    udp.close();
    return undefined;
  });
  return udp;
}

/** A bound UDP socket outside the event loop: nobody wakes up for what arrives, until it is asked for. */
export class QuietSocket {
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(2048);

  constructor(fd: number) {
    this.#fd = fd;
  }

  send(payload: Uint8Array, address: string, port: number): void {
    checked('sendto', sendto(this.#fd, payload, payload.length, 0, sockaddrIn(address, port), 16));
  }

  /** Takes one packet's payload, if there is one; valid until the next is taken. */
  receive(): Buffer | undefined {
    const length = recv(this.#fd, this.#buffer, this.#buffer.length, MSG_DONTWAIT);
    return length < 0 ? undefined : this.#buffer.subarray(0, length);
  }
}

export function quietSocket(scope: Scope, ns: Namespace, address: string, port: number): QuietSocket {
  const fd = inside(ns, () => boundUdp(address, port));
  scope.defer(() => {
    closeSync(fd);
    return undefined;
  });
  return new QuietSocket(fd);
}

function boundUdp(address: string, port: number): number {
  const made = checked('socket', socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  checked(`bind to ${address}:${port}`, bind(made, sockaddrIn(address, port), 16));
  return made;
}
