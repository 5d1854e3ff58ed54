import { EXIT_CODES, type ExitCode, type ExitName } from '../config/index.js';
import { PlaneError, type PlanePart } from '../dataplane/common/errors.js';

/** The daemon ends with this; `exitCode` is what the process says by it. */
export class DaemonError extends Error {
  override readonly name = 'DaemonError';
  readonly exitCode: ExitCode;

  constructor(exit: ExitName, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = EXIT_CODES[exit].code;
  }
}

const EXIT_BY_PART: Readonly<Record<PlanePart, ExitName>> = {
  privilege: 'generic',
  // Not a mistake in the options: at boot the network may just not be there yet, and a service is to try again.
  outer: 'address',
  module: 'modprobe',
  queue: 'nfq',
  nftables: 'nftables',
  address: 'address',
  link: 'link',
  listener: 'listener',
  cleanup: 'cleanup',
};

/** What a data plane says, with the exit code for it; anything else as it is. */
export function withExitCode(error: unknown): unknown {
  return error instanceof PlaneError
    ? new DaemonError(EXIT_BY_PART[error.part], error.message, { cause: error })
    : error;
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
