/**
 * Where things lie in the module's memory, which is the packet loop's arena: all that system calls read and write is in
 * it, and it never grows, so the addresses in the kernel's structures stay true. The structures are those of LP64
 * (bits/types/struct_iovec.h, bits/socket.h, linux/virtio_net.h).
 *
 *     0x001000  received messages: struct mmsghdr, iovec, sockaddr_in, control of each
 *     0x002400  struct pollfd of the loop, scratch, address of the peer, empty header, counters
 *     0x003000  flows that are being joined: a record, a header and the iovecs of each
 *     0x010000  ranges of allowed inner sources
 *     0x020000  the same of IPv6: prefixes
 *     0x022000  iovecs and headers of messages to send
 *     0x080000  packets read from the device
 *     0x100000  received datagrams
 *     0x300000  messages to send, and their controls
 */
export const MEMORY_PAGES: i32 = 51;
export const PAGE_BYTES: i32 = 0x10000;

/** struct mmsghdr { name 0, namelen 8, iov 16, iovlen 24, control 32, controllen 40, flags 48, len 56 } */
export const MMSGHDR_BYTES: i32 = 64;
export const MSG_NAME: i32 = 0;
export const MSG_NAMELEN: i32 = 8;
export const MSG_IOV: i32 = 16;
export const MSG_IOVLEN: i32 = 24;
export const MSG_CONTROL: i32 = 32;
export const MSG_CONTROLLEN: i32 = 40;
export const MSG_FLAGS: i32 = 48;
export const MSG_LEN: i32 = 56;
export const IOVEC_BYTES: i32 = 16;
export const SOCKADDR_BYTES: i32 = 16;

export const RX_SLOTS: i32 = 32;
export const RX_MESSAGES: i32 = 0x1000;
export const RX_IOVECS: i32 = 0x1800;
export const RX_NAMES: i32 = 0x1a00;
export const RX_CONTROLS: i32 = 0x1c00;
export const RX_CONTROL_BYTES: i32 = 64;
export const RX_BUFFERS: i32 = 0x100000;
export const RX_BUFFER_BYTES: i32 = 0x10000;

export const POLL_FDS: i32 = 0x2400;
export const SCRATCH: i32 = 0x2440;
export const TX_NAME: i32 = 0x2480;
/** The header and the two iovecs of a packet that is written by itself. */
export const SINGLE_HEADER: i32 = 0x24a0;
export const SINGLE_IOVECS: i32 = 0x24c0;
/** u64 each; see counters.ts. */
export const COUNTERS: i32 = 0x2500;
export const COUNTER_COUNT: i32 = 18;

export const FLOW_SLOTS: i32 = 16;
export const FLOWS: i32 = 0x3000;
export const FLOW_BYTES: i32 = 64;
export const FLOW_HEADERS: i32 = 0x3400;
export const FLOW_HEADER_BYTES: i32 = 16;
export const FLOW_IOVECS: i32 = 0x4000;
/** One of them is for the header. */
export const FLOW_MAX_IOVECS: i32 = 128;

/** Each of them is a message of its own where the kernel does not cut messages up. */
export const TX_MAX_SEGMENTS: i32 = 2048;
export const TX_MESSAGES: i32 = 0x300000;
export const TX_CONTROLS: i32 = 0x320000;
export const TX_CONTROL_BYTES: i32 = 32;
export const TX_IOVECS: i32 = 0x22000;
export const TX_HEADERS: i32 = 0x32000;
/** The longest headers of IPv4 and TCP are 60 bytes each; behind those of IPv6, 40, there is room for short extensions. */
export const TX_HEADER_BYTES: i32 = 128;
export const TX_BUFFER: i32 = 0x80000;
export const TX_BUFFER_END: i32 = 0x100000;

/** Pairs of u32: first and last address of a range, in host order, ascending and apart. */
export const RANGES: i32 = 0x10000;
export const MAX_RANGES: i32 = 8192;

/** See prefixes.ts. */
export const PREFIXES: i32 = 0x20000;
export const PREFIX_BYTES: i32 = 32;
export const MAX_PREFIXES: i32 = 256;

/** struct virtio_net_hdr { u8 flags; u8 gso_type; u16 hdr_len, gso_size, csum_start, csum_offset; } */
export const VNET_HEADER_BYTES: i32 = 10;
export const VIRTIO_NET_HDR_F_NEEDS_CSUM: u8 = 1;
export const VIRTIO_NET_HDR_GSO_NONE: u8 = 0;
export const VIRTIO_NET_HDR_GSO_TCPV4: u8 = 1;
export const VIRTIO_NET_HDR_GSO_TCPV6: u8 = 4;
export const VIRTIO_NET_HDR_GSO_UDP_L4: u8 = 5;
export const VIRTIO_NET_HDR_GSO_ECN: u8 = 0x80;
