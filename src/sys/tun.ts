/** TUN devices (Documentation/networking/tuntap.rst): inner packets are read from, and written to, a descriptor. */
import { closeSync, constants, openSync } from 'node:fs';
import { SystemError } from './errors.js';
import { checked, libc } from './libc.js';

const TUN_PATH = '/dev/net/tun';

/** linux/if_tun.h */
const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const TUNSETVNETHDRSZ = 0x400454d8;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
const IFF_TUN_EXCL = 0x8000;
export const TUN_F_CSUM = 0x01;
export const TUN_F_TSO4 = 0x02;
export const TUN_F_TSO6 = 0x04;

const IFNAMSIZ = 16;
const IFREQ_BYTES = 40;
const IFR_FLAGS = 16;

/** Node's constant is 0 where it is not needed; on the machines we run on it is this (asm-generic/fcntl.h). */
const O_CLOEXEC = 0o2000000;

export interface TunDescriptor {
  readonly fd: number;
  /** Packets are preceded by a struct virtio_net_hdr of 10 bytes, and may be longer than the MTU. */
  readonly offloads: boolean;
}

/**
 * Makes a TUN device, which lives as long as the descriptor is open. With `offloads` the kernel leaves checksums and the
 * segmentation of TCP to the reader, where it can: over IPv4, and with `ipv6` over IPv6, too. Throws SystemError: EBUSY
 * where the name is taken, ENOENT or EACCES for /dev/net/tun, EPERM without CAP_NET_ADMIN.
 */
export function openTun(name: string, offloads: boolean, ipv6 = false): TunDescriptor {
  const fd = openDevice();
  try {
    create(fd, name, offloads ? IFF_VNET_HDR : 0);
    if (!offloads || setOffloads(fd, TUN_F_CSUM | TUN_F_TSO4 | (ipv6 ? TUN_F_TSO6 : 0))) return { fd, offloads };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  // Made anew: a device can't lose the header that it was made with.
  closeSync(fd);
  return openTun(name, false);
}

/** Throws SystemError where the process can't have TUN devices at all: ENOENT, EACCES, ENODEV, EPERM. */
export function requireTun(): void {
  closeSync(openDevice());
}

function openDevice(): number {
  try {
    return openSync(TUN_PATH, constants.O_RDWR | constants.O_NONBLOCK | O_CLOEXEC);
  } catch (error) {
    const errno = error instanceof Error && 'errno' in error && typeof error.errno === 'number' ? -error.errno : 0;
    throw new SystemError(`open ${TUN_PATH}`, errno, { cause: error });
  }
}

/** struct ifreq { char name[16]; u16 flags; … } of 40 bytes */
function create(fd: number, name: string, more: number): void {
  const bytes = Buffer.from(name);
  if (bytes.length === 0 || bytes.length >= IFNAMSIZ) throw new RangeError(`not a device name: ${name}`);
  const request = Buffer.alloc(IFREQ_BYTES);
  request.set(bytes);
  request.writeUInt16LE(IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL | more, IFR_FLAGS);
  checked(`make the TUN device ${name}`, libc().ioctl(fd, TUNSETIFF, request));
}

/** Whether the kernel takes it. */
function setOffloads(fd: number, offloads: number): boolean {
  const size = Buffer.alloc(4);
  size.writeInt32LE(10);
  checked('set the size of the TUN header', libc().ioctl(fd, TUNSETVNETHDRSZ, size));
  return libc().ioctlValue(fd, TUNSETOFFLOAD, offloads) >= 0;
}
