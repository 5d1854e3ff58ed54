/** Finds out all that the checks judge by. */
import { ConfigError, type PartialResolution } from '../../config/index.js';
import { answerSchemes, type ClassifierScheme } from '../../core/index.js';
import type { Logger } from '../../log/index.js';
import type { ClockFacts, Facts, NetworkFacts, PathFacts } from '../facts.js';
import { probeEgress } from './egress.js';
import { probeFirewall } from './firewall.js';
import { probeHost } from './host.js';
import { probeNetwork, unaskedNetwork } from './network.js';
import { probePath } from './path-mtu.js';
import { askServerClock } from './server-clock.js';
import { runTrials } from './trials.js';

export interface ProbeRequest {
  readonly resolution: PartialResolution;
  /** Whether any option of a tunnel was given. */
  readonly given: boolean;
  readonly log: Logger;
}

/** What needs the kernel is left open where it can't be asked: that itself is a finding. */
export async function probe({ resolution, given, log }: ProbeRequest): Promise<Facts> {
  const { mode, tunnel, remote } = resolution;
  const trials = await runTrials({
    port: tunnel.fouLocalPort,
    schemes: schemesOf(resolution),
    counters: tunnel.nftCounters,
    kind: tunnel.inner6 === undefined ? 'ipip' : 'sit',
  });
  const host = probeHost();
  const canAsk = host.nativeFault === undefined;
  const network = canAsk ? await probeNetwork({ mode, tunnel, remote }) : unaskedNetwork('the kernel cannot be asked');
  const firewall = await probeFirewall();
  return {
    config: { mode, given, resolution },
    host,
    trials,
    network,
    firewall,
    path: await findPath(resolution, network),
    clock: await findClock(resolution, network, log),
    egress: canAsk ? await probeEgress(resolution) : undefined,
  };
}

/** Without a whole configuration the usual ones: their rules use all that the kernel has to have. */
function schemesOf({ whole }: PartialResolution): readonly ClassifierScheme[] {
  if (whole instanceof ConfigError) return [{ kind: 'ed25519' }];
  return whole.kind === 'server' ? [whole.config.auth] : answerSchemes(whole.config.auth);
}

async function findPath({ tunnel, remote }: PartialResolution, { outer }: NetworkFacts): Promise<PathFacts> {
  if (typeof outer === 'string') return { kind: 'skipped', why: 'there is no outer address' };
  if (outer.remote === undefined || remote.port === undefined) {
    return { kind: 'skipped', why: 'it takes the other side (-r HOST:PORT) to be probed' };
  }
  return await probePath(outer.remote, remote.port, tunnel.fouDev);
}

async function findClock(
  { whole, tunnel, remote }: PartialResolution,
  { outer, use }: NetworkFacts,
  log: Logger,
): Promise<ClockFacts> {
  if (whole instanceof ConfigError || whole.kind !== 'client') {
    return { kind: 'skipped', why: 'only a client with a whole configuration can ask' };
  }
  const { config } = whole;
  if (config.auth.kind !== 'ed25519' || config.auth.peerKey === undefined) {
    return { kind: 'skipped', why: "it takes the server's public key (--auth-remote-pubkey-b64)" };
  }
  if (use.tunnelIsUp) return { kind: 'skipped', why: 'the tunnel is up, and the answer would be its own' };
  if (typeof outer === 'string' || outer.remote === undefined || remote.port === undefined) {
    return { kind: 'skipped', why: 'the server cannot be reached from here' };
  }
  const local = { address: outer.address, port: tunnel.fouLocalPort };
  return await askServerClock(config, local, { address: outer.remote, port: remote.port }, log);
}
