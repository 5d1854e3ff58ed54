import { KernelError, NetlinkError } from '../../netlink/errors.js';

/** Which part of the kernel plane failed; each has an exit code of its own. */
export type PlanePart =
  'privilege' | 'outer' | 'module' | 'queue' | 'nftables' | 'address' | 'link' | 'listener' | 'cleanup';

/** The plane can't do its work. The message says what is wrong and, where there is one, the way out. */
export class PlaneError extends Error {
  override readonly name: string = 'PlaneError';
  readonly part: PlanePart;

  constructor(part: PlanePart, message: string, options?: ErrorOptions) {
    super(message, options);
    this.part = part;
  }
}

/** The kernel lacks what the part needs. */
export class UnsupportedError extends PlaneError {
  override readonly name = 'UnsupportedError';
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What the kernel refuses in a step of one part becomes a PlaneError of that part. */
export async function inPart<T>(part: PlanePart, step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (error) {
    if (error instanceof PlaneError) throw error;
    throw new PlaneError(part, messageOf(error), { cause: error });
  }
}

/**
 * How nfnetlink says that it has no such subsystem: EINVAL to a message, EOPNOTSUPP to a batch, and no socket where it
 * is missing itself (net/netfilter/nfnetlink.c). ENOENT is an expression it doesn't know.
 */
export function isUnsupported(error: unknown): boolean {
  if (error instanceof PlaneError) return isUnsupported(error.cause);
  if (error instanceof NetlinkError) return error.code === 'NETLINK_UNAVAILABLE';
  return error instanceof KernelError && ['EINVAL', 'EOPNOTSUPP', 'EPROTONOSUPPORT'].includes(error.code);
}
