import type { HostFacts, TrialFacts } from '../facts.js';
import { finding, ok, PLANES, type Check, type Finding, type Judgement, type PlaneName } from '../finding.js';

/** The releases that the kernel plane is tested on begin here. */
const TESTED_FROM = { major: 6, minor: 1 };

/** Where the layouts of the C library's structures have been checked. */
const ARCHITECTURES: readonly string[] = ['x64', 'arm64'];

/** The kernel, calls of the C library, the rights of the process, and whether anything can be proven. */
export const checkHost: Check<{ readonly host: HostFacts; readonly trials: TrialFacts }> = ({ host, trials }) => [
  kernel(host),
  platform(host),
  native(host),
  capabilities(host),
  scratch(trials),
];

function kernel({ kernelRelease, architecture }: HostFacts): Finding {
  const about = finding('kernel', 'Host', 'kernel');
  const found = `Linux ${kernelRelease} (${architecture})`;
  const [, major, minor] = /^(\d{1,3})\.(\d{1,3})/.exec(kernelRelease) ?? [];
  const isOlder =
    Number(major) < TESTED_FROM.major || (Number(major) === TESTED_FROM.major && Number(minor) < TESTED_FROM.minor);
  if (!isOlder) return about(ok(found));
  return about({
    status: 'warn',
    found,
    means: `the tunnel is tested from Linux ${TESTED_FROM.major}.${TESTED_FROM.minor} on; what follows was tried, and counts more than the number`,
  });
}

function platform({ architecture, glibc }: HostFacts): Finding {
  const about = finding('platform', 'Host', 'platform');
  const found = `${architecture}, ${glibc === undefined ? 'another C library than glibc' : `glibc ${glibc}`}`;
  if (ARCHITECTURES.includes(architecture) && glibc !== undefined) return about(ok(found));
  return about({
    status: 'lack',
    found,
    means: 'the program is made for x86-64 and arm64 with glibc',
    remedy: 'run Node.js on such a system',
    blocks: PLANES,
  });
}

function native({ nativeFault }: HostFacts): Finding {
  const about = finding('native', 'Host', 'system calls');
  if (nativeFault === undefined) return about(ok('koffi loads'));
  return about({
    status: 'lack',
    found: nativeFault,
    means: 'neither plane can talk to the kernel',
    remedy: 'install the package with its optional dependencies, on 64-bit Linux',
    blocks: PLANES,
  });
}

function capabilities({ missingCapabilities }: HostFacts): Finding {
  const about = finding('capabilities', 'Host', 'capabilities');
  if (missingCapabilities.length === 0) return about(ok('CAP_NET_ADMIN and CAP_NET_RAW'));
  return about({
    status: 'lack',
    found: `this process lacks ${missingCapabilities.join(' and ')}`,
    means: 'it may not make devices, nor rules',
    remedy: 'run it as root, or as a service with AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW',
    blocks: PLANES.filter((plane) => missingCapabilities.some((name) => NEEDED[plane].includes(name))),
  });
}

/** The userspace plane sends auth packets by its own socket. */
const NEEDED: Readonly<Record<PlaneName, readonly string[]>> = {
  kernel: ['CAP_NET_ADMIN', 'CAP_NET_RAW'],
  userspace: ['CAP_NET_ADMIN'],
};

function scratch({ namespace }: TrialFacts): Finding {
  const about = finding('proof', 'Host', 'scratch namespace');
  if (namespace.kind === 'works') return about(ok('what follows was tried in a network namespace of its own'));
  const why = namespace.kind === 'refused' ? namespace.message : namespace.why;
  const judgement: Judgement = {
    status: 'warn',
    found: `only a TUN device could be tried: ${why}`,
    means: "what the kernel plane needs is judged by the kernel's lists of modules, which proves nothing",
    remedy: 'run doctor as root (it takes CAP_SYS_ADMIN, which the tunnel itself does not)',
  };
  return about(judgement);
}
