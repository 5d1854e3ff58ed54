/** Where the tunnel's packets leave and arrive, and whether its names are free. */
import type { Mode } from '../../config/index.js';
import { IPV6_REMEDY } from '../../dataplane/common/ipv6-state.js';
import type { NetworkFacts } from '../facts.js';
import { finding, ok, PLANES, skip, type Check, type Finding, type Judgement } from '../finding.js';

interface NetworkCheckFacts {
  readonly mode: Mode;
  readonly port: number;
  readonly device: string;
  readonly network: NetworkFacts;
}

export const checkNetwork: Check<NetworkCheckFacts> = (facts) => [
  outer(facts.network),
  ...remote(facts.network),
  port(facts),
  device(facts),
  ...forwarding(facts),
  reversePathFilter(facts.network),
  openLinks(facts.network),
  ...gue(facts.network),
  ...ipv6(facts.network),
];

const about = (id: string, title: string): ((judgement: Judgement) => Finding) => finding(id, 'Network', title);

function outer({ outer: path }: NetworkFacts): Finding {
  const here = about('outer', 'outer address');
  if (typeof path !== 'string') return here(ok(`${path.address} on ${path.device}`));
  return here({
    status: 'lack',
    found: path,
    means: 'the tunnel has nowhere to leave from',
    remedy: 'bring the network up, or name address and device (--fou-local IP@DEV)',
    blocks: PLANES,
  });
}

function remote({ remoteFault }: NetworkFacts): Finding[] {
  if (remoteFault === undefined) return [];
  return [
    about(
      'remote',
      'name of the other side',
    )({
      status: 'lack',
      found: remoteFault,
      means: 'a start ends with it',
      remedy: 'correct --fou-remote or the resolver, or give an address',
      blocks: PLANES,
    }),
  ];
}

function port({ port: number, network: { use } }: NetworkCheckFacts): Finding {
  const here = about('port', `UDP port ${number}`);
  if (use.listener.kind === 'foreign') {
    return here({
      status: 'lack',
      found: use.listener.message,
      means: 'the port has a use already',
      remedy: 'remove that listener, or choose another port with --fou-local-port',
      blocks: PLANES,
    });
  }
  if (use.tunnelIsUp) return here(ok('in use by this tunnel, which is up'));
  if (use.portOwner !== undefined) {
    return here({
      status: 'lack',
      found: `in use by ${use.portOwner}`,
      means: 'the tunnel needs the port on all addresses',
      remedy: 'stop that program, or choose another port with --fou-local-port',
      blocks: PLANES,
    });
  }
  if (use.listener.kind === 'ours') return here(ok('in use by this tunnel, which runs or was killed'));
  return here(ok('free'));
}

function device({ device: name, network: { use } }: NetworkCheckFacts): Finding {
  const here = about('device', `device ${name}`);
  if (use.deviceTakenBy !== undefined) {
    return here({
      status: 'lack',
      found: `there is already, and not ours (${use.deviceTakenBy})`,
      means: 'the tunnel device cannot be made',
      remedy: 'choose another name with --tunl-dev',
      blocks: PLANES,
    });
  }
  return here(ok(use.tunnelIsUp ? 'there, and of this tunnel' : 'free'));
}

const FORWARDING = [
  {
    id: 'ip-forward',
    title: 'ip_forward',
    remedy: 'sysctl -w net.ipv4.ip_forward=1, and in /etc/sysctl.d',
  },
  {
    id: 'ipv6-forward',
    title: 'IPv6 forwarding',
    remedy:
      'sysctl -w net.ipv6.conf.all.forwarding=1, with net.ipv6.conf.DEVICE.accept_ra=2 before it where routers tell DEVICE the way, and both in /etc/sysctl.d',
  },
] as const;

function forwarding({ mode, network }: NetworkCheckFacts): Finding[] {
  const { ipForward, ipv6Forward, ipv6: asked } = network;
  const states = asked === 'on' ? [ipForward, ipv6Forward] : [ipForward];
  return states.map((isOn, index) => {
    const { id, title, remedy } = FORWARDING[index as 0 | 1];
    const here = about(id, title);
    if (isOn === undefined) return here(skip('/proc/sys does not say'));
    if (isOn) return here(ok('on'));
    if (mode === 'client') return here(ok('off: needed only to let others use the tunnel through this host'));
    const means = 'the client reaches this host and nothing behind it';
    return here({
      status: 'warn',
      found: 'off',
      means,
      remedy: `if it shall: --ip-forward with --egress, or ${remedy}`,
    });
  });
}

const STRICT = 1;

function reversePathFilter({ outer: path, reversePathFilter: value }: NetworkFacts): Finding {
  const here = about('rp-filter', 'rp_filter');
  if (typeof path === 'string') return here(skip('there is no outer address'));
  if (value === undefined) return here(skip('/proc/sys does not say'));
  if (value !== STRICT) return here(ok(`${value === 0 ? 'off' : 'loose'} on ${path.device}`));
  if (path.returnDevice === path.device) return here(ok(`strict on ${path.device}, by which answers leave as well`));
  const back = path.returnDevice ?? 'no device';
  return here({
    status: 'warn',
    found: `strict on ${path.device}, and the way back leads by ${back}`,
    means: 'the kernel drops what arrives there, before the tunnel sees it',
    remedy: `sysctl -w net.ipv4.conf.${path.device}.rp_filter=2, or a route back by ${path.device}`,
  });
}

function openLinks({ openLinks: links }: NetworkFacts): Finding {
  const here = about('open-links', 'links for any sender');
  const up = links.filter((link) => link.up).map(({ name }) => name);
  if (up.length === 0) {
    return here(
      ok(links.length === 0 ? 'none' : `${links.map(({ name }) => name).join(', ')}: down, as they should be`),
    );
  }
  return here({
    status: 'warn',
    found: `${up.join(', ')} ${up.length === 1 ? 'is' : 'are'} up, with remote any`,
    means:
      'IP packets inside packets of IP protocol 4 are taken from anyone, with whatever inner source address they say; not through the tunnel, but beside it',
    remedy: `unless it is wanted: ${up.map((name) => `ip link set ${name} down`).join('; ')}`,
  });
}

function gue({ gueListeners }: NetworkFacts): Finding[] {
  if (gueListeners.length === 0) return [];
  return [
    about(
      'gue-listeners',
      'GUE listeners',
    )({
      status: 'warn',
      found: `on UDP port ${gueListeners.join(', ')}`,
      means:
        'their packets choose the inner protocol themselves: what this host would not take from the wire, it takes from there',
      remedy: 'unless it is wanted: ip fou del port PORT',
    }),
  ];
}

function ipv6({ ipv6: state }: NetworkFacts): Finding[] {
  if (state === 'unasked') return [];
  const here = about('ipv6', 'IPv6');
  if (state === 'on') return [here(ok('on, for devices that are made now'))];
  return [
    here({
      status: 'lack',
      found: state === 'off' ? 'switched off' : 'this kernel has none',
      means: "the tunnel device can't have its IPv6 address",
      remedy: IPV6_REMEDY[state],
      blocks: PLANES,
    }),
  ];
}
