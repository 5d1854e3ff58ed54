/** All that the checks judge by, as the probes found it. Data only, so that tests can make it up. */
import type { Mode, PartialResolution } from '../config/index.js';
import type { Ipv6State } from '../dataplane/common/ipv6-state.js';
import type { WayJudgement } from '../egress/way-back/way-back.js';
import type { FirewallFacts } from './firewall/facts.js';
import type { Trial } from './trial.js';

/** Where the code of a module is: `absent` where the kernel's lists don't have it, `unknown` without the lists. */
export type ModulePlace = 'builtin' | 'loaded' | 'file' | 'absent' | 'unknown';

/** What the kernel plane and the userspace plane need, tried. */
export interface TrialFacts {
  /** A network namespace to try the rest in. */
  readonly namespace: Trial;
  readonly fouListener: Trial;
  /** An ipip link, or a sit link where the tunnel carries IPv6. */
  readonly tunnelLink: Trial;
  /** Such a link in UDP. */
  readonly fouLink: Trial;
  readonly dummyLink: Trial;
  readonly nftTable: Trial;
  /** The tunnel's own ruleset, without the rules that hand packets to a queue. */
  readonly ruleset: Trial;
  /** The ruleset with those. */
  readonly queueRule: Trial;
  readonly queue: Trial;
  readonly tun: Trial;
  readonly tunOffloads: Trial;
  readonly udpSegmentation: Trial;
  readonly udpCoalescing: Trial;
}

export interface HostFacts {
  /** As `uname -r` says it. */
  readonly kernelRelease: string;
  readonly architecture: string;
  /** undefined where Node.js doesn't run on glibc. */
  readonly glibc: string | undefined;
  /** Why the C library can't be called, in words; undefined where it can. */
  readonly nativeFault: string | undefined;
  /** Capabilities of this process that the planes need and it lacks. */
  readonly missingCapabilities: readonly string[];
  readonly modules: Readonly<Record<string, ModulePlace>>;
}

/** An ipip link that takes packets from any address. */
export interface OpenLink {
  readonly name: string;
  readonly up: boolean;
}

/** Who has the tunnel's port, or its device's name. */
export interface UseFacts {
  /** The tunnel is up on this host: its device is there and is ours. */
  readonly tunnelIsUp: boolean;
  /** What of another kind has the device's name: `dummy`, `hardware`; undefined where nobody has it. */
  readonly deviceTakenBy: string | undefined;
  readonly listener:
    { readonly kind: 'none' | 'ours' | 'unknown' } | { readonly kind: 'foreign'; readonly message: string };
  /** `dnsmasq, process 812`; undefined where no program has the port. */
  readonly portOwner: string | undefined;
}

export interface OuterFacts {
  readonly address: string;
  readonly device: string;
  readonly deviceIndex: number;
  readonly deviceMtu: number;
  /** The server's or client's address; undefined where none was given or it couldn't be found. */
  readonly remote: string | undefined;
  /** The device by which the way back to `remote`, or else the default route, leads. */
  readonly returnDevice: string | undefined;
}

export interface NetworkFacts {
  /** The outer side, or in words why there is none. */
  readonly outer: OuterFacts | string;
  /** undefined where the name could be looked up, or none was given. */
  readonly remoteFault: string | undefined;
  /** undefined where /proc/sys doesn't say. */
  readonly ipForward: boolean | undefined;
  /** The same of IPv6: `all` of its devices. */
  readonly ipv6Forward: boolean | undefined;
  /** The stricter of `all` and the device's: 0, 1 (strict) or 2 (loose); undefined where /proc/sys doesn't say. */
  readonly reversePathFilter: number | undefined;
  readonly openLinks: readonly OpenLink[];
  /** Ports of GUE listeners, whose packets say themselves what they are. */
  readonly gueListeners: readonly number[];
  /** `unasked`: the tunnel is to carry none. */
  readonly ipv6: Ipv6State | 'unasked';
  readonly use: UseFacts;
}

/** What probing the way to the other side showed. Sizes are those of whole IPv4 packets, in bytes. */
export type PathFacts =
  | { readonly kind: 'skipped'; readonly why: string }
  | { readonly kind: 'failed'; readonly message: string }
  | {
      readonly kind: 'probed';
      readonly mtu: number;
      /** The host itself answered a packet of that size. */
      readonly proven: boolean;
    };

/** What the server's answer to an auth packet showed. */
export type ClockFacts =
  | { readonly kind: 'skipped' | 'silent'; readonly why: string }
  /** The server answered, without a time. */
  | { readonly kind: 'untimed' }
  /** The server's clock less ours; the answer's time has whole seconds. */
  | { readonly kind: 'timed'; readonly offsetSeconds: number; readonly roundTripMs: number };

export interface EgressFacts {
  /** The tunnel's. */
  readonly device: string;
  /** The client's addresses in the tunnel. */
  readonly inner: { readonly 4: string; readonly 6?: string };
  /** What was seen of each pool's way back, or in words why it could not be tried. */
  readonly pools: readonly { readonly pool: string; readonly judgement: WayJudgement | string }[];
}

export interface ConfigFacts {
  readonly mode: Mode;
  /** Whether any option of a tunnel was given. */
  readonly given: boolean;
  readonly resolution: PartialResolution;
}

export interface Facts {
  readonly config: ConfigFacts;
  readonly host: HostFacts;
  readonly trials: TrialFacts;
  readonly network: NetworkFacts;
  readonly firewall: FirewallFacts;
  readonly path: PathFacts;
  readonly clock: ClockFacts;
  /** undefined where the configuration has no egress. */
  readonly egress: EgressFacts | undefined;
}
