/** What a data plane in userspace is made of. */
import type { HostFacts, TrialFacts } from '../facts.js';
import { finding, ok, type Check, type Finding, type Judgement } from '../finding.js';
import type { Trial } from '../trial.js';
import { judgeTrial, type Tried } from './trial-judgement.js';

export const checkUserspacePlane: Check<{ readonly host: HostFacts; readonly trials: TrialFacts }> = ({
  host,
  trials,
}) => [
  tun(host, trials.tun),
  about(
    'tun-offloads',
    'TUN offloads',
  )(
    judge({
      trial: trials.tunOffloads,
      works: 'segmentation and checksums are left to the reader (TUNSETOFFLOAD)',
      means: 'TCP through the tunnel is several times slower',
      isOptional: true,
      remedy: 'use a newer kernel',
    }),
  ),
  udp(trials),
];

const about = (id: string, title: string): ((judgement: Judgement) => Finding) => finding(id, 'Userspace plane', title);

const judge = (tried: Omit<Tried, 'plane'>): Judgement => judgeTrial({ ...tried, plane: 'userspace' });

function tun(host: HostFacts, trial: Trial): Finding {
  return about(
    'tun',
    '/dev/net/tun',
  )(
    judge({
      trial,
      works: 'a TUN device can be made',
      means: 'there is no device for the tunnel',
      ...(trial.kind === 'refused' && REMEDIES[trial.code] !== undefined
        ? { remedy: REMEDIES[trial.code] ?? '' }
        : { module: { name: 'tun', place: host.modules['tun'] ?? 'unknown' } }),
    }),
  );
}

const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT:
    'make the device file (modprobe tun; mkdir -p /dev/net; mknod /dev/net/tun c 10 200); in a container: give it --device /dev/net/tun',
  EACCES: 'let the process open /dev/net/tun (under systemd: DeviceAllow=/dev/net/tun)',
  EPERM: 'let the process open /dev/net/tun and make devices (CAP_NET_ADMIN; under systemd: DeviceAllow=/dev/net/tun)',
};

function udp({ udpSegmentation, udpCoalescing }: TrialFacts): Finding {
  const missing = [
    ...(udpSegmentation.kind === 'works' ? [] : ['UDP_SEGMENT']),
    ...(udpCoalescing.kind === 'works' ? [] : ['UDP_GRO']),
  ];
  const here = about('udp-offloads', 'UDP offloads');
  if (missing.length === 0) return here(ok('runs of packets are sent and received in one piece'));
  return here({
    status: 'warn',
    found: `the kernel has no ${missing.join(' and no ')}`,
    means: 'each packet takes a turn of its own through the kernel, which is slower',
    remedy: 'use Linux 5.0 or later',
  });
}
