import { VERBOSITY_EVERYTHING, type Logger } from '../log/index.js';
import { describeError } from './describe-error.js';
import { describeExit, exitCodeOf } from './exit-codes.js';

/** Says in one line what ended the program, to the log where there is one yet; the stack only at full verbosity. */
export function reportFailure(error: unknown, logger: Logger | undefined, err: (text: string) => void): number {
  const code = exitCodeOf(error);
  const said = `${describeError(error)} ${describeExit(code)}`;
  if (logger === undefined) {
    err(`error: ${said}\n`);
    return code;
  }
  logger.flushLimited('all');
  logger.fatal(said);
  if (logger.verbosity >= VERBOSITY_EVERYTHING && error instanceof Error) logger.debug(error.stack ?? '');
  return code;
}
