import { errnoName, errnoWords } from './errno.js';

/** A system call failed. */
export class SystemError extends Error {
  override readonly name = 'SystemError';
  /** The call, e.g. `setsockopt`, or what it was for. */
  readonly op: string;
  /** Positive. */
  readonly errno: number;
  /** The name of the number, e.g. `EPERM`. */
  readonly code: string;

  constructor(op: string, errno: number, options?: ErrorOptions) {
    const code = errnoName(errno);
    super(`${op}: ${errnoWords(errno)} (${code})`, options);
    this.op = op;
    this.errno = errno;
    this.code = code;
  }
}
