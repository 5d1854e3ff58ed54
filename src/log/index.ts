/**
 * The log on stderr.
 *
 *     const log = createLogger({ verbosity: 2, showTime: true, showPid: true });
 *     log.info('link ipipou0 is up');
 *     log.limited('signature', 'DEBUG', () => `refused a packet from ${formatEndpoint(from)}`);
 */
export { sayChanges, type SayChange } from './changes.js';
export { LEVELS, VERBOSITY_EVERYTHING, type Level } from './levels.js';
export { createLogger, SYSTEM_EDGE, type LogEdge, type Logger, type LoggerOptions } from './logger.js';
