import { chooseMode, type Mode } from './command.js';
import type { Resolution, TunnelConfig } from './config-types.js';
import { warnOfNesting, warnOfWrongSide } from './effects.js';
import { ConfigError } from './errors.js';
import type { RawOption } from './option-names.js';
import { resolve } from './resolve.js';
import { resolveTunnel, type Environment, type Remote } from './resolve-tunnel.js';
import { Values } from './values.js';

/** As much of a configuration as there is. */
export interface PartialResolution {
  readonly mode: Mode;
  readonly tunnel: TunnelConfig;
  readonly remote: Remote;
  /** The whole, or what a start would end with. */
  readonly whole: Exclude<Resolution, { kind: 'no-authentication' }> | ConfigError;
  readonly warnings: readonly string[];
}

/**
 * For judging a host before the configuration is complete: what a start needs and nobody has given yet, the server's
 * address or a key, may be missing. Throws `ConfigError` for what is wrong, as `resolve` does.
 */
export function resolvePartly(raw: readonly RawOption[], environment: Environment): PartialResolution {
  const values = new Values(raw);
  const mode = chooseMode(raw);
  const warnings = [...warnOfNesting(values), ...warnOfWrongSide(values, mode)];
  const { config: tunnel, remote } = resolveTunnel(mode, values, environment, warnings);
  return { mode, tunnel, remote, whole: resolveWhole(raw, environment), warnings };
}

function resolveWhole(raw: readonly RawOption[], environment: Environment): PartialResolution['whole'] {
  try {
    const resolution = resolve(raw, environment);
    if (resolution.kind !== 'no-authentication') return resolution;
    return new ConfigError({
      problem: 'nothing says whom this server lets in',
      allowed: '--auth-remote-pubkey-b64, --auth-token, --auth-by-remote-ip, or --auth-none to let in anyone',
    });
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}
