/** Opens the tunnel's UDP socket, and says in words for the user why that can't be. */
import { SystemError } from '../../sys/errors.js';
import { nameOwners, udpPortOwners } from '../../sys/socket-owner.js';
import { UdpSocket } from '../../sys/udp-socket.js';
import { PlaneError } from '../common/errors.js';

/** Enough for what arrives while the loop is busy elsewhere; the kernel takes as much of it as it is allowed. */
const BUFFER_BYTES = 8 << 20;

export interface OuterSocketSettings {
  readonly address: string;
  readonly port: number;
  readonly device: string | undefined;
  readonly fragments: boolean;
}

/** Throws PlaneError. */
export function openOuterSocket({ address, port, device, fragments }: OuterSocketSettings): UdpSocket {
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
