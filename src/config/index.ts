/**
 * From what the user wrote to a complete, checked configuration.
 *
 *     const raw = gatherOptions(process.argv.slice(2), readBounded);
 *     const { options } = readSecrets(raw, readBounded, process.env);
 *     const resolution = resolve(options, process.env); // throws ConfigError: one line, ready to print
 *     if (resolution.kind === 'server') await runServer(resolution.config, logger);
 */
export { chooseCommand, splitWord, type Command, type Mode, type Word } from './command.js';
export type { ClientConfig, OpenServer, Resolution, ServerConfig, TunnelConfig } from './config-types.js';
export { RUNTIME_DIRECTORY } from './constants.js';
export { parseEgress, type EgressRequest } from './egress-arguments.js';
export { readEgressFiles } from './egress-files.js';
export { EGRESS_OPTION_NAMES, egressOption } from './egress-options.js';
export { ConfigError, type Origin } from './errors.js';
export { EXIT_CODES, type ExitCode, type ExitName } from './exit-codes.js';
export { maskSecrets, warnOfExposure, type FileMode } from './exposure.js';
export { gatherOptions, readBounded, type ReadFile } from './gather.js';
export { logSettings } from './log-settings.js';
export { specOf, type RawOption } from './option-names.js';
export { GROUPS, type Group, type OptionSpec } from './option-spec.js';
export { OPTION_NAMES, OPTIONS, type OptionName } from './options.js';
export { parseRandmap, type RandmapRequest } from './randmap-arguments.js';
export { RANDMAP_OPTION_NAMES, randmapOption } from './randmap-options.js';
export { resolve } from './resolve.js';
export type { EgressConfig } from './resolve-egress.js';
export { resolvePartly, type PartialResolution } from './resolve-partly.js';
export type { Remote } from './resolve-tunnel.js';
export { readSecrets } from './secret-files.js';
export { Values } from './values.js';
