import type { LoggerOptions } from '../log/index.js';
import type { Values } from './values.js';

/** Each `-v` counts one; `--verb` is added. */
export function logSettings(values: Values): LoggerOptions {
  return {
    verbosity: values.count('verbose') + values.valueOr('verb'),
    showTime: !values.has('no-log-time'),
    showPid: !values.has('no-log-pid'),
  };
}
