import { ConfigError } from '../../config/index.js';
import type { ConfigFacts } from '../facts.js';
import { finding, ok, skip, type Check } from '../finding.js';

const about = finding('configuration', 'Host', 'configuration');

/** Whether a start would get past its options. */
export const checkConfiguration: Check<ConfigFacts> = ({ mode, given, resolution }) => {
  const { whole, tunnel } = resolution;
  const tunnelWords = `${mode}, tunnel ${tunnel.number}, UDP port ${tunnel.fouLocalPort}, device ${tunnel.tunlDev}`;
  if (!(whole instanceof ConfigError)) return [about(ok(tunnelWords))];
  if (!given) return [about(skip(`none given; judged by the defaults: ${tunnelWords}`))];
  return [
    about({
      status: 'warn',
      found: `${tunnelWords}; not complete: ${whole.message}`,
      means: 'a start with these options alone ends with exit code 2',
    }),
  ];
};
