/** A host that has everything, for tests that take something away. */
import { resolvePartly, type RawOption } from '../../../src/config/index.js';
import type { Facts, NetworkFacts, OuterFacts, TrialFacts, UseFacts } from '../../../src/doctor/facts.js';
import { WORKS, type Trial } from '../../../src/doctor/trial.js';

const given = (name: RawOption['name'], value?: string): RawOption => ({ name, value, origin: { kind: 'argv' } });

export const SERVER: readonly RawOption[] = [given('server'), given('auth-token', 'word')];
export const CLIENT: readonly RawOption[] = [
  given('client'),
  given('auth-token', 'word'),
  given('fou-remote', '198.51.100.7:10000'),
];

export const OUTER: OuterFacts = {
  address: '192.0.2.2',
  device: 'eth0',
  deviceIndex: 4,
  deviceMtu: 1500,
  remote: undefined,
  returnDevice: 'eth0',
};

const USE: UseFacts = {
  tunnelIsUp: false,
  deviceTakenBy: undefined,
  listener: { kind: 'none' },
  portOwner: undefined,
};

const NETWORK: NetworkFacts = {
  outer: OUTER,
  remoteFault: undefined,
  ipForward: true,
  ipv6Forward: true,
  reversePathFilter: 0,
  openLinks: [{ name: 'tunl0', up: false }],
  gueListeners: [],
  ipv6: 'unasked',
  use: USE,
};

const TRIALS: TrialFacts = {
  namespace: WORKS,
  fouListener: WORKS,
  tunnelLink: WORKS,
  fouLink: WORKS,
  dummyLink: WORKS,
  nftTable: WORKS,
  ruleset: WORKS,
  queueRule: WORKS,
  queue: WORKS,
  tun: WORKS,
  tunOffloads: WORKS,
  udpSegmentation: WORKS,
  udpCoalescing: WORKS,
};

export const REFUSED: Trial = { kind: 'refused', code: 'EOPNOTSUPP', message: 'the kernel says no' };
export const UNTRIED: Trial = { kind: 'untried', why: 'no right to' };

export interface Changes {
  readonly options?: readonly RawOption[];
  readonly host?: Partial<Facts['host']>;
  readonly trials?: Partial<TrialFacts>;
  readonly network?: Partial<NetworkFacts>;
  readonly use?: Partial<UseFacts>;
  readonly firewall?: Partial<Facts['firewall']>;
  readonly path?: Facts['path'];
  readonly clock?: Facts['clock'];
  readonly egress?: Facts['egress'];
}

export function healthy(changes: Changes = {}): Facts {
  const resolution = resolvePartly(changes.options ?? SERVER, {});
  return {
    config: { mode: resolution.mode, given: true, resolution },
    host: {
      kernelRelease: '6.1.0-13-amd64',
      architecture: 'x64',
      glibc: '2.36',
      nativeFault: undefined,
      missingCapabilities: [],
      modules: {},
      ...changes.host,
    },
    trials: { ...TRIALS, ...changes.trials },
    network: { ...NETWORK, ...changes.network, use: { ...USE, ...changes.use } },
    firewall: { tables: [], unread: [], legacyTables: { 4: [], 6: [] }, ...changes.firewall },
    path: changes.path ?? { kind: 'probed', mtu: 1500, proven: true },
    clock: changes.clock ?? { kind: 'timed', offsetSeconds: 0.3, roundTripMs: 20 },
    egress: changes.egress,
  };
}

/** Nothing could be tried, as where there is no right to a namespace. */
export const NOTHING_TRIED: TrialFacts = {
  ...(Object.fromEntries(Object.keys(TRIALS).map((name) => [name, UNTRIED])) as unknown as TrialFacts),
  namespace: { kind: 'refused', code: 'EPERM', message: 'not permitted' },
};
