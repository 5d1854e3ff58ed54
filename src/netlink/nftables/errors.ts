/** What can go wrong besides the kernel's refusals (KernelError) and a broken conversation (NetlinkError). */

/** Bytes of the kernel that do not read as what they should be. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  readonly code = 'NFTABLES_DECODE';

  constructor(what: string, fault: string) {
    super(`the kernel's description of ${what} cannot be read: ${fault}`);
  }
}

/** A batch is sent in one piece or not at all, and this one is larger than the socket's send buffer. */
export class BatchTooLargeError extends Error {
  override readonly name = 'BatchTooLargeError';
  readonly code = 'NFTABLES_BATCH_TOO_LARGE';
  readonly bytes: number;

  constructor(bytes: number, options?: ErrorOptions) {
    super(
      `a batch of ${bytes} bytes does not fit into the netlink send buffer (it takes CAP_NET_ADMIN to enlarge it)`,
      options,
    );
    this.bytes = bytes;
  }
}
