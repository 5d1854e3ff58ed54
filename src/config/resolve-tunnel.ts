import type { InnerIpv6, TunnelConfig } from './config-types.js';
import {
  FOU_LOCAL_IP_ALT_BASE,
  IPV6_MIN_MTU,
  PORT_BASE,
  PRIVATE_STATE_DIRECTORY,
  QUEUE_SETS_NUMBER_MAX,
  RUNTIME_DIRECTORY,
  STATE_DIRECTORY,
  TUNL_DEV_PREFIX,
  TUNL_IP_BASE,
} from './constants.js';
import { addToIpv4, isHostIpv4, numberToIpv4 } from './ipv4.js';
import { addToIpv6, isHostIpv6 } from './ipv6.js';
import { logSettings } from './log-settings.js';
import type { OptionName } from './options.js';
import type { Mode } from './command.js';
import { formatNetwork } from './network-type.js';
import { port } from './types.js';
import type { Given, Values } from './values.js';

/** Environment variables that stand in for options. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Remote {
  readonly host: string | undefined;
  readonly port: number | undefined;
}

/** All but the authentication and the remote side's rules. Throws `ConfigError`; appends to `warnings`. */
export function resolveTunnel(
  mode: Mode,
  values: Values,
  environment: Environment,
  warnings: string[],
): { readonly config: TunnelConfig; readonly remote: Remote } {
  const number = tunnelNumber(mode, values, warnings);
  const tunlDev = values.get('tunl-dev')?.value ?? `${TUNL_DEV_PREFIX}${number}`;
  const config: TunnelConfig = {
    number,
    queueNumber: values.get('queue-number')?.value ?? number,
    queueLength: values.valueOr('nfq-max-len'),
    ...localSide(values, number, warnings),
    fouLocalIpAlt: values.get('fou-local-ip-alt')?.value ?? numberToIpv4(FOU_LOCAL_IP_ALT_BASE + number),
    udpChecksum: isLast(values, 'encap-csum', 'no-encap-csum'),
    authPacketTtl: values.get('auth-packet-ttl')?.value,
    tunlDev,
    tunlMtu: values.get('tunl-mtu')?.value,
    ...innerAddresses(mode, values, number),
    inner6: innerIpv6(mode, values),
    routes: values.all('route').map(({ value }) => value),
    dataPlane: values.valueOr('data-plane'),
    nftTable: values.get('nft-table')?.value ?? `ipipou-${number}`,
    nftCounters: !values.has('no-nft-counter'),
    stateDir: values.get('state-dir')?.value ?? firstOf(environment['STATE_DIRECTORY']) ?? STATE_DIRECTORY,
    controlDir:
      values.get('control-dir')?.value ??
      firstOf(environment['RUNTIME_DIRECTORY']) ??
      `${RUNTIME_DIRECTORY}/${tunlDev}.${mode}`,
    log: logSettings(values),
  };
  refuseClashes(values, config);
  return { config, remote: remoteSide(values, warnings) };
}

/** A server whose number is 0 takes the queue's number for it, as ipipou does. */
function tunnelNumber(mode: Mode, values: Values, warnings: string[]): number {
  const number = values.valueOr('number');
  const queue = values.get('queue-number')?.value ?? 0;
  if (mode === 'client' || number !== 0 || queue === 0 || queue > QUEUE_SETS_NUMBER_MAX) return number;
  if (values.has('number')) warnings.push(values.warning('number', `0 becomes ${queue}, the number of the queue`));
  return queue;
}

/** Of an option and its contrary the last counts; with neither it is the contrary. */
const isLast = (values: Values, name: OptionName, contrary: OptionName): boolean =>
  (values.get(name)?.index ?? -1) > (values.get(contrary)?.index ?? -1);

function localSide(
  values: Values,
  number: number,
  warnings: string[],
): Pick<TunnelConfig, 'fouLocalIp' | 'fouLocalPort' | 'fouDev'> {
  const form = values.get('fou-local')?.value ?? {};
  const warn = (name: OptionName) => (said: string) => warnings.push(values.warning(name, `${said} of --fou-local`));
  const fallback = PORT_BASE + number;
  const fouLocalPort = merge(form.port, values.get('fou-local-port'), warn('fou-local-port')) ?? fallback;
  if (!port.parse(String(fouLocalPort)).ok) {
    throw values.fault('number', `gives port ${fallback}, which does not exist`, {
      allowed: `0 to ${65_535 - PORT_BASE}, or any number together with --fou-local-port`,
    });
  }
  return {
    fouLocalIp: merge(form.ip, values.get('fou-local-ip'), warn('fou-local-ip')),
    fouLocalPort,
    fouDev: merge(form.dev, values.get('fou-dev'), warn('fou-dev')),
  };
}

function remoteSide(values: Values, warnings: string[]): Remote {
  const form = values.get('fou-remote')?.value ?? {};
  const warn = (name: OptionName) => (said: string) => warnings.push(values.warning(name, `${said} of --fou-remote`));
  return {
    host: merge(form.host, values.get('fou-remote-ip'), warn('fou-remote-ip')),
    port: merge(form.port, values.get('fou-remote-port'), warn('fou-remote-port')),
  };
}

/** What the one-word form names goes before the single option. */
function merge<T extends string | number>(
  part: T | undefined,
  single: Given<T> | undefined,
  warn: (said: string) => void,
): T | undefined {
  if (part !== undefined && single !== undefined && part !== single.value) warn(`gives way to ${part}`);
  return part ?? single?.value;
}

function innerAddresses(mode: Mode, values: Values, number: number): Pick<TunnelConfig, 'tunlIp' | 'tunlPeerIp'> {
  const isServer = mode === 'server';
  const tunlIp = values.get('tunl-ip')?.value ?? numberToIpv4(TUNL_IP_BASE + 2 * number + (isServer ? 0 : 1));
  const tunlPeerIp = values.get('tunl-peer-ip')?.value ?? addToIpv4(tunlIp, isServer ? 1 : -1);
  if (tunlPeerIp === undefined || !isHostIpv4(tunlPeerIp)) {
    throw values.fault('tunl-ip', 'leaves no address beside it for the other side', {
      allowed: 'another address, or --tunl-peer-ip besides',
    });
  }
  return { tunlIp, tunlPeerIp };
}

function innerIpv6(mode: Mode, values: Values): InnerIpv6 | undefined {
  const address = values.get('tunl-ip6')?.value;
  if (address === undefined) {
    if (!values.has('tunl-peer-ip6')) return undefined;
    throw values.fault('tunl-peer-ip6', 'is for a tunnel with IPv6', { allowed: 'together with --tunl-ip6' });
  }
  const peerAddress = values.get('tunl-peer-ip6')?.value ?? addToIpv6(address, mode === 'server' ? 1 : -1);
  if (peerAddress === undefined || !isHostIpv6(peerAddress)) {
    throw values.fault('tunl-ip6', 'leaves no address beside it for the other side', {
      allowed: 'another address, or --tunl-peer-ip6 besides',
    });
  }
  return { address, peerAddress };
}

/** systemd separates several directories by colons (systemd.exec(5), StateDirectory=); the first is ours. */
const firstOf = (directories: string | undefined): string | undefined =>
  directories?.split(':').find((directory) => directory !== '');

/**
 * Where services that run the configurations named on the command line keep their state (`ipipou@NAME`, StateDirectory=),
 * by either of its names: for a command beside them that is no service itself.
 */
export function serviceStateDirectories(values: Values, environment: Environment): readonly string[] {
  if (values.has('state-dir') || (environment['STATE_DIRECTORY'] ?? '') !== '') return [];
  const names = values.all('config').flatMap(({ value, origin }) => (origin.kind === 'argv' ? [value] : []));
  const roots = [STATE_DIRECTORY, PRIVATE_STATE_DIRECTORY];
  return names.filter((name) => !name.includes('/')).flatMap((name) => roots.map((root) => `${root}/${name}`));
}

function refuseClashes(values: Values, config: TunnelConfig): void {
  for (const [name, address] of [
    ['tunl-ip', config.tunlIp],
    ['tunl-peer-ip', config.tunlPeerIp],
    ['fou-local-ip-alt', config.fouLocalIpAlt],
  ] as const) {
    // The kernel takes none of them from a device, nor for one.
    if (address.startsWith('127.')) {
      const problem = values.has(name) ? 'is a loopback address' : `would be the loopback address ${address}`;
      throw values.fault(name, problem, { allowed: 'an address of another network' });
    }
  }
  if (config.tunlIp === config.tunlPeerIp) {
    throw values.fault('tunl-peer-ip', "is this side's own address in the tunnel", { allowed: 'another address' });
  }
  if (config.fouLocalIpAlt === config.tunlIp || config.fouLocalIpAlt === config.tunlPeerIp) {
    const which = values.has('fou-local-ip-alt') ? '' : `${config.fouLocalIpAlt} `;
    const problem = `${which}is an address in the tunnel as well`;
    throw values.fault('fou-local-ip-alt', problem, { allowed: 'an address of its own' });
  }
  if (config.inner6 !== undefined && config.inner6.address === config.inner6.peerAddress) {
    throw values.fault('tunl-peer-ip6', "is this side's own address in the tunnel", { allowed: 'another address' });
  }
  if (config.inner6 !== undefined && config.tunlMtu !== undefined && config.tunlMtu < IPV6_MIN_MTU) {
    const allowed = `${IPV6_MIN_MTU} or more, or no --tunl-ip6`;
    throw values.fault('tunl-mtu', 'is too small for IPv6 in the tunnel', { allowed });
  }
  refuseRoutes(values, config);
  if (config.fouDev === config.tunlDev) {
    throw values.fault('tunl-dev', 'is the outer device as well', { allowed: 'another name' });
  }
}

function refuseRoutes(values: Values, { inner6 }: TunnelConfig): void {
  for (const { value, index } of values.all('route')) {
    if (value.family === 'ip6' && inner6 === undefined) {
      throw values.fault('route', 'is of IPv6, which this tunnel does not carry', {
        index,
        allowed: '--tunl-ip6 besides',
      });
    }
    if (value.family === 'ip' && value.prefixLength === 0) {
      throw values.fault('route', "would lead the tunnel's own packets into the tunnel", {
        index,
        allowed: "smaller networks that do not hold the other side's outer address",
      });
    }
    const twice = values
      .all('route')
      .find((other) => other.index < index && formatNetwork(other.value) === formatNetwork(value));
    if (twice !== undefined) throw values.fault('route', 'is given twice', { index, allowed: 'each network once' });
  }
}
