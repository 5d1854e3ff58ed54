import { chooseMode } from './command.js';
import type { Resolution, ServerConfig } from './config-types.js';
import { LIFETIME_ADVISED_MIN_SECONDS } from './constants.js';
import type { ConfigError } from './errors.js';
import { warnOfNesting, warnOfWrongSide } from './effects.js';
import type { RawOption } from './option-names.js';
import { resolveClientAuth, resolveServerAuth, warnOfUnusedKeys } from './resolve-auth.js';
import { resolveEgress } from './resolve-egress.js';
import { resolveTunnel, serviceStateDirectories, type Environment } from './resolve-tunnel.js';
import { Values } from './values.js';

/** Options to a complete configuration, defaults applied and cross-checked. Throws `ConfigError`. */
export function resolve(raw: readonly RawOption[], environment: Environment): Resolution {
  const values = new Values(raw);
  const mode = chooseMode(raw);
  const warnings = [...warnOfNesting(values), ...warnOfWrongSide(values, mode)];
  return mode === 'server'
    ? resolveServer(values, environment, warnings)
    : resolveClient(values, environment, warnings);
}

function resolveServer(values: Values, environment: Environment, warnings: string[]): Resolution {
  if (values.has('reauth-only')) {
    throw values.fault('reauth-only', 'a server has nobody to authenticate to', { allowed: 'with -c' });
  }
  const auth = resolveServerAuth(values, warnings);
  const { config: tunnel, remote } = resolveTunnel('server', values, environment, warnings);
  const authByRemoteIp = values.has('auth-by-remote-ip');
  const authByRemotePort = values.has('auth-by-remote-port');
  if (authByRemoteIp && remote.host === undefined) {
    throw values.fault('auth-by-remote-ip', 'needs a remote address to compare with', {
      allowed: 'together with --fou-remote HOST or --fou-remote-ip IP',
    });
  }
  if (authByRemotePort && remote.port === undefined) {
    throw values.fault('auth-by-remote-port', 'needs a remote port to compare with', {
      allowed: 'together with --fou-remote :PORT or --fou-remote-port PORT',
    });
  }
  warnOfWeakRules(values, auth.kind, warnings);
  const notes = values.has('force-fou-local-ip-alt')
    ? [values.warning('force-fou-local-ip-alt', 'changes nothing: a tunnel always has an internal outer address')]
    : [];
  const rest = {
    ...tunnel,
    mode: 'server' as const,
    remoteHost: remote.host,
    remotePort: remote.port,
    authByRemoteIp,
    authByRemotePort,
    maxTimeDiscrepancySeconds: values.valueOr('auth-max-time-discrepancy'),
    lifetimeSeconds: values.valueOr('auth-lifetime'),
    replyOnAuthOk: values.has('reply-on-auth-ok'),
    egress: resolveEgress(values, warnings, notes),
  };
  if (auth.kind === 'undecided' && !authByRemoteIp && !authByRemotePort) {
    const { ownKey, secret } = auth;
    return { kind: 'no-authentication', server: { config: rest, ownKey, secret }, warnings, notes };
  }
  if (auth.kind === 'undecided') warnOfUnusedKeys(values, warnings);
  const config: ServerConfig = { ...rest, auth: auth.kind === 'undecided' ? { kind: 'none' } : auth };
  return { kind: 'server', config, warnings, notes };
}

function warnOfWeakRules(values: Values, authKind: string, warnings: string[]): void {
  const byPortAlone = values.has('auth-by-remote-port') && !values.has('auth-by-remote-ip');
  if (byPortAlone && authKind === 'undecided') {
    warnings.push(values.warning('auth-by-remote-port', 'is the only check: whoever sends from that port is let in'));
  }
  const lifetime = values.valueOr('auth-lifetime');
  if (lifetime > 0 && lifetime < LIFETIME_ADVISED_MIN_SECONDS) {
    const advice = `${lifetime} s is shorter than clients can keep up with; ${LIFETIME_ADVISED_MIN_SECONDS} or more is advised`;
    warnings.push(values.warning('auth-lifetime', advice));
  }
}

function resolveClient(values: Values, environment: Environment, warnings: string[]): Resolution {
  const auth = resolveClientAuth(values, warnings);
  const { config: tunnel, remote } = resolveTunnel('client', values, environment, warnings);
  if (remote.host === undefined) throw lackingRemote(values, 'fou-remote-ip', 'address');
  if (remote.port === undefined) throw lackingRemote(values, 'fou-remote-port', 'port');
  return {
    kind: 'client',
    config: {
      ...tunnel,
      mode: 'client',
      auth,
      remoteHost: remote.host,
      remotePort: remote.port,
      keepaliveSeconds: values.valueOr('keepalive'),
      serviceStateDirs: serviceStateDirectories(values, environment),
    },
    warnings,
    notes: [],
  };
}

function lackingRemote(
  values: Values,
  single: 'fou-remote-ip' | 'fou-remote-port',
  part: 'address' | 'port',
): ConfigError {
  const name = values.has('fou-remote') ? 'fou-remote' : single;
  const problem = values.has('fou-remote') ? `names no ${part}` : `a client needs the ${part} of its server`;
  return values.fault(name, problem, { allowed: `--fou-remote HOST:PORT, or --${single} besides` });
}
