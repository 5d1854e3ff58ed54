/**
 * What the planes need of the kernel, tried in a scratch namespace: nothing of the host is touched, but for modules that
 * the kernel loads on the way, as it would at a start. Where there may be no such namespace, as in most containers, a TUN
 * device is tried all the same: it is without effect, and goes with its descriptor.
 */
import { closeSync } from 'node:fs';
import type { ClassifierScheme } from '../../core/index.js';
import { ensureFou } from '../../dataplane/kernel/modules.js';
import { addRuleset } from '../../dataplane/kernel/ruleset/ruleset.js';
import { FouClient } from '../../netlink/fou/client.js';
import { Batch, NftablesClient } from '../../netlink/nftables/index.js';
import { PacketQueue } from '../../netlink/queue/client.js';
import { RouteClient } from '../../netlink/route/client.js';
import type { TunnelKind, TunnelParameters } from '../../netlink/route/tunnel.js';
import { libc, checked } from '../../sys/libc.js';
import { ScratchNamespace } from '../../sys/scratch-namespace.js';
import { setSocketOption } from '../../sys/socket-options.js';
import { openTun, type TunDescriptor } from '../../sys/tun.js';
import type { TrialFacts } from '../facts.js';
import { attempt, refused, untried, WORKS, type Trial } from '../trial.js';

const IPPROTO_IPIP = 4;
/** RFC 5737: documentation only. Nothing is sent there. */
const NOBODY = '192.0.2.1';
const TABLE = 'ipipou-doctor';
const QUEUE = 0;
const COPY_BYTES = 1024;

/** bits/socket.h, linux/udp.h */
const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const UDP_GRO = 104;

export interface TrialSettings {
  /** The tunnel's port. */
  readonly port: number;
  /** What auth packets look like on it. */
  readonly schemes: readonly ClassifierScheme[];
  readonly counters: boolean;
  /** What the tunnel's link is to be: `sit` where it carries IPv6, too. */
  readonly kind: TunnelKind;
}

/** Takes a second or so where modules have to be loaded. */
export async function runTrials(settings: TrialSettings): Promise<TrialFacts> {
  let scratch: ScratchNamespace;
  try {
    scratch = ScratchNamespace.open();
  } catch (error) {
    return nothingTried(refused(error));
  }
  try {
    return {
      namespace: WORKS,
      ...(await tryTunnel(scratch, settings)),
      ...(await tryFirewall(scratch, settings)),
      queue: await tryQueue(scratch),
      ...tryTun((action) => scratch.inside(action)),
      udpSegmentation: tryUdpOption(UDP_SEGMENT, 0),
      udpCoalescing: tryUdpOption(UDP_GRO, 1),
    };
  } finally {
    scratch.close();
  }
}

function nothingTried(namespace: Trial): TrialFacts {
  const why = untried('there is no network namespace to try it in');
  return {
    namespace,
    fouListener: why,
    tunnelLink: why,
    fouLink: why,
    dummyLink: why,
    nftTable: why,
    ruleset: why,
    queueRule: why,
    queue: why,
    ...tryTun((action) => action()),
    udpSegmentation: tryUdpOption(UDP_SEGMENT, 0),
    udpCoalescing: tryUdpOption(UDP_GRO, 1),
  };
}

async function tryTunnel(
  scratch: ScratchNamespace,
  { port, kind }: TrialSettings,
): Promise<Pick<TrialFacts, 'fouListener' | 'tunnelLink' | 'fouLink' | 'dummyLink'>> {
  const { fou, route } = scratch.inside(() => ({ fou: FouClient.open(), route: RouteClient.open() }));
  const plain: TunnelParameters = { remote: NOBODY, ttl: 64, tos: 0, pathMtuDiscovery: true };
  try {
    const fouListener = await attempt(async () => {
      await ensureFou(fou, () => undefined);
      const payload = kind === 'sit' ? ({ type: 'gue' } as const) : ({ type: 'fou', ipproto: IPPROTO_IPIP } as const);
      await fou.add({ port, ...payload });
    });
    const tunnelLink = await attempt(() => route.createLink({ name: 'doctor-plain', kind, tunnel: plain }));
    const tunnel = { ...plain, remote: '192.0.2.2', fou: { sourcePort: port, destinationPort: port, checksum: false } };
    const fouLink =
      fouListener.kind === 'works' && tunnelLink.kind === 'works'
        ? await attempt(() => route.createLink({ name: 'doctor-fou', kind, tunnel }))
        : untried(`it takes both FOU and ${kind}`);
    const dummyLink = await attempt(() => route.createLink({ name: 'doctor-dummy', kind: 'dummy' }));
    return { fouListener, tunnelLink, fouLink, dummyLink };
  } finally {
    fou.close();
    route.close();
  }
}

async function tryFirewall(
  scratch: ScratchNamespace,
  settings: TrialSettings,
): Promise<Pick<TrialFacts, 'nftTable' | 'ruleset' | 'queueRule'>> {
  let nft: NftablesClient;
  try {
    nft = scratch.inside(() => NftablesClient.open());
  } catch (error) {
    const why = untried('it takes nf_tables');
    return { nftTable: refused(error), ruleset: why, queueRule: why };
  }
  try {
    const nftTable = await attempt(() => nft.commit(new Batch().addTable({ family: 'ip', name: `${TABLE}-empty` })));
    if (nftTable.kind !== 'works') {
      const why = untried('it takes nf_tables');
      return { nftTable, ruleset: why, queueRule: why };
    }
    const load = (queueNumber: number | undefined): Promise<Trial> =>
      attempt(async () => {
        const batch = new Batch().addTable({ family: 'ip', name: TABLE }).deleteTable({ family: 'ip', name: TABLE });
        const { port, schemes, counters, kind } = settings;
        addRuleset(batch, {
          table: TABLE,
          comment: 'a trial',
          outer: { address: NOBODY, port },
          tunnel: {
            device: TABLE,
            internal: NOBODY,
            peerAddress: NOBODY,
            ...(kind === 'sit' && { sources6: { denied: [], allowed: [] } }),
          },
          schemes,
          queueNumber,
          counters,
        });
        await nft.commit(batch);
      });
    const ruleset = await load(undefined);
    return {
      nftTable,
      ruleset,
      queueRule: ruleset.kind === 'works' ? await load(QUEUE) : untried('it takes the rules'),
    };
  } finally {
    nft.close();
  }
}

async function tryQueue(scratch: ScratchNamespace): Promise<Trial> {
  return await attempt(async () => {
    // All sockets are opened before the first wait.
    const queue = await scratch.inside(() =>
      PacketQueue.open({
        queueNumber: QUEUE,
        maxLength: 1,
        copyRangeBytes: COPY_BYTES,
        onPackets: () => undefined,
        onError: () => undefined,
      }),
    );
    queue.close();
  });
}

/** `where` runs its argument in the namespace that the device is to be made in. */
function tryTun(where: (action: () => TunDescriptor) => TunDescriptor): Pick<TrialFacts, 'tun' | 'tunOffloads'> {
  try {
    const { fd, offloads } = where(() => openTun(`doctor-${process.pid}`, true));
    closeSync(fd);
    const none: Trial = { kind: 'refused', code: 'ERROR', message: 'the kernel takes no TUNSETOFFLOAD' };
    return { tun: WORKS, tunOffloads: offloads ? WORKS : none };
  } catch (error) {
    return { tun: refused(error), tunOffloads: untried('it takes a TUN device') };
  }
}

/** Sockets need no namespace of their own to be tried. */
function tryUdpOption(option: number, value: number): Trial {
  try {
    const fd = checked('open a UDP socket', libc().socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    try {
      setSocketOption(fd, SOL_UDP, option, value);
      return WORKS;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return refused(error);
  }
}
