/** The tunnel's UDP socket, one after the other where the outer side changes. */
import type { Endpoint } from '../../core/endpoint.js';
import { SystemError } from '../../sys/errors.js';
import { nameOwners, udpPortOwners } from '../../sys/socket-owner.js';
import { UdpSocket } from '../../sys/udp-socket.js';
import { PlaneError } from '../common/errors.js';
import type { Offloads } from './control-block.js';

/** Enough for what arrives while the loop is busy elsewhere; the kernel takes as much of it as it is allowed. */
const BUFFER_BYTES = 8 << 20;

export interface OuterSocketSettings {
  readonly address: string;
  readonly port: number;
  readonly device: string | undefined;
  readonly fragments: boolean;
}

export class OuterSocket {
  private readonly uses: Pick<Offloads, 'segmentation' | 'coalescing'>;
  private socket: UdpSocket | undefined;
  /** What sockets that are closed by now had no room for. */
  private overflown = 0;
  /** What the kernel does for the present one. */
  offloads: Pick<Offloads, 'segmentation' | 'coalescing'> = { segmentation: false, coalescing: false };

  /** `uses`: the offloads to use where the kernel has them. */
  constructor(uses: Pick<Offloads, 'segmentation' | 'coalescing'>) {
    this.uses = uses;
  }

  /** -1 while there is none. */
  get fd(): number {
    return this.socket?.fd ?? -1;
  }

  /** How many datagrams found no room in the receive buffer. */
  get dropped(): number {
    return this.overflown + (this.socket?.dropped() ?? 0);
  }

  /** Opens one. The returned function closes the one before, once nobody uses it any more. Throws PlaneError. */
  open(settings: OuterSocketSettings): () => void {
    const before = this.socket;
    const socket = openSocket(settings);
    this.socket = socket;
    this.offloads = {
      coalescing: this.uses.coalescing && socket.coalesce(),
      segmentation: this.uses.segmentation && socket.segments(),
    };
    return () => {
      this.end(before);
    };
  }

  /** Whether what is too long for the way is cut up from now on. Throws SystemError. */
  cutUp(fragments: boolean): void {
    this.socket?.cutUp(fragments);
  }

  /** Throws SystemError. */
  send(to: Endpoint, payload: Buffer, ttl: number | undefined): void {
    if (this.socket === undefined) throw new Error('the userspace data plane is not running');
    this.socket.send(to, payload, ttl);
  }

  close(): void {
    this.end(this.socket);
    this.socket = undefined;
  }

  private end(socket: UdpSocket | undefined): void {
    if (socket === undefined) return;
    this.overflown += socket.dropped();
    socket.close();
  }
}

/** Says in words for the user why there can be none. Throws PlaneError. */
function openSocket({ address, port, device, fragments }: OuterSocketSettings): UdpSocket {
  try {
    return UdpSocket.open({
      address,
      port,
      fragments,
      bufferBytes: BUFFER_BYTES,
      ...(device !== undefined && { device }),
    });
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    if (error.code === 'EADDRNOTAVAIL') {
      throw new PlaneError('outer', `this host has no address ${address}: correct --fou-local-ip`, { cause: error });
    }
    if (error.code !== 'EADDRINUSE') throw new PlaneError('listener', error.message, { cause: error });
    const by =
      nameOwners(udpPortOwners(port)) ??
      `the kernel ("ip fou show") or a program of this host ("ss -ulnp sport = :${port}" shows which)`;
    throw new PlaneError(
      'listener',
      `UDP port ${port} is in use by ${by}: stop that, or choose another port with --fou-local-port`,
      { cause: error },
    );
  }
}
