/**
 * Auth packets on the tunnel's port, which belongs to the kernel's listener: in through the packet queue, out through a
 * raw socket.
 */
import type { Endpoint } from '../../core/endpoint.js';
import { NETLINK_NETFILTER } from '../../netlink/constants.js';
import { isKernelError } from '../../netlink/errors.js';
import { PacketQueue, QueueTakenError } from '../../netlink/queue/client.js';
import { RawIpSocket } from '../../sys/raw-ip-socket.js';
import { netlinkPortOwners, nameOwners } from '../../sys/socket-owner.js';
import type { AuthPacket } from '../index.js';
import { isUnsupported, messageOf, PlaneError, UnsupportedError } from '../common/errors.js';
import { QueueDropWatch, type QueueDrops } from './queue-drops.js';
import { isPortUnreachable } from './icmp.js';
import { decodeUdpDatagram, encodeUdpDatagram } from './udp-datagram.js';

/** The largest packet that a path without fragments carries; no auth packet is longer. */
const COPY_BYTES = 1500;

export interface AuthPortSettings {
  readonly queueNumber: number;
  readonly queueLength: number;
  readonly ttl: number;
  readonly onAuthPacket: (packet: AuthPacket) => void;
  /** The kernel could not deliver what came in for the tunnel: nobody listened on its port. */
  readonly onUnheard: () => void;
  readonly onError: (error: Error) => void;
  /** A packet came that is no UDP datagram, although the ruleset took it for one. */
  readonly onUnreadable: () => void;
  /** The kernel has dropped so many more auth packets, unseen by us; told about once a second at most. */
  readonly onDrops: (drops: QueueDrops) => void;
}

export class AuthPort {
  private readonly queue: PacketQueue | undefined;
  private readonly drops: QueueDropWatch | undefined;
  private socket: RawIpSocket | undefined;
  private readonly ttl: number;

  private constructor(queue: PacketQueue | undefined, drops: QueueDropWatch | undefined, ttl: number) {
    this.queue = queue;
    this.drops = drops;
    this.ttl = ttl;
  }

  /** Takes the queue. Rejects with PlaneError, which names the process that has it where the kernel tells. */
  static async open(settings: AuthPortSettings): Promise<AuthPort> {
    try {
      const queue: PacketQueue = await PacketQueue.open({
        queueNumber: settings.queueNumber,
        maxLength: settings.queueLength,
        copyRangeBytes: COPY_BYTES,
        onError: settings.onError,
        onPackets: (packets) => {
          try {
            // First what a packet brings about: nobody waits for the rest.
            for (const { payload } of packets) {
              const datagram = decodeUdpDatagram(payload);
              if (datagram !== undefined) settings.onAuthPacket({ from: datagram.source, payload: datagram.payload });
              else if (isPortUnreachable(payload)) settings.onUnheard();
              else settings.onUnreadable();
            }
          } finally {
            // Caught means consumed: nothing else on this host has a use for an auth packet.
            for (const { id } of packets) queue.verdict(id, 'drop');
            drops.checkSoon();
          }
        },
      });
      const drops = new QueueDropWatch(() => queue.dropCounts(), settings.onDrops);
      return new AuthPort(queue, drops, settings.ttl);
    } catch (error) {
      if (isUnsupported(error)) {
        throw new UnsupportedError(
          'queue',
          'this kernel has no packet queue (modprobe nfnetlink_queue nft_queue, or another kernel)',
          { cause: error },
        );
      }
      const by = holderOf(error);
      const message =
        by === undefined
          ? messageOf(error)
          : `packet queue ${settings.queueNumber} is taken by ${by}: choose another with --queue-number`;
      throw new PlaneError('queue', message, { cause: error });
    }
  }

  /** Sends only: answers are not heard. */
  static sendOnly(ttl: number): AuthPort {
    return new AuthPort(undefined, undefined, ttl);
  }

  /** From now on packets leave by this device only, or by the one that routing chooses. */
  bindTo(device: string | undefined): void {
    const socket = RawIpSocket.open(device);
    this.socket?.close();
    this.socket = socket;
  }

  /** Throws SystemError where the system doesn't take the packet. */
  send(from: Endpoint, to: Endpoint, payload: Buffer): void {
    this.socket?.send(encodeUdpDatagram({ source: from, destination: to, payload }, this.ttl), to.address);
  }

  close(): void {
    this.drops?.close();
    this.queue?.close();
    this.socket?.close();
  }
}

/**
 * Who has the queue; undefined where that isn't what is wrong. EPERM stands for the lack of a right as well, but those
 * were looked at (capabilities.ts): without a holder it says that only root may read who has the queue.
 */
function holderOf(error: unknown): string | undefined {
  if (isKernelError(error, 'EPERM')) return 'another process, and only root may see which';
  if (!(error instanceof QueueTakenError)) return undefined;
  const owners = netlinkPortOwners(NETLINK_NETFILTER, error.holderPortId);
  return nameOwners(owners) ?? `another process (netlink port ${error.holderPortId})`;
}
