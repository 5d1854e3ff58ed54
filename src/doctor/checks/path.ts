/** The way to the other side: how large packets may be, and what time it is there. */
import type { ClockFacts, NetworkFacts, PathFacts } from '../facts.js';
import { finding, ok, skip, type Check, type Finding } from '../finding.js';

/** Headers of IPv4 (RFC 791) and UDP (RFC 768) around an inner packet. */
const OUTER_HEADER_BYTES = 28;
/** RFC 8200: less is too little for IPv6 inside; some networks' ICMP filters make trouble below Ethernet's 1500. */
const COMFORTABLE_MTU = 1280;
/** A signed time has whole seconds, and a server may be two ahead of itself. */
const CLOCK_TOLERANCE_SECONDS = 5;

interface PathCheckFacts {
  readonly path: PathFacts;
  readonly clock: ClockFacts;
  readonly network: NetworkFacts;
  /** `--tunl-mtu`; undefined where it follows. */
  readonly tunlMtu: number | undefined;
}

export const checkPath: Check<PathCheckFacts> = (facts) => [pathMtu(facts), clock(facts.clock)];

function pathMtu({ path, tunlMtu }: PathCheckFacts): Finding {
  const here = finding('path-mtu', 'Network', 'path MTU');
  if (path.kind === 'skipped') return here(skip(path.why));
  if (path.kind === 'failed') {
    return here({
      status: 'warn',
      found: path.message,
      means: 'the other side may not be reachable, and how large packets may be is not known',
      remedy:
        'look at the route and at the firewalls on the way; --tunl-mtu 1280 on both sides is small enough nearly everywhere',
    });
  }
  const { mtu, proven } = path;
  const inner = mtu - OUTER_HEADER_BYTES;
  const found = `${mtu} bytes, so ${inner} inside; ${proven ? 'the other side answered a packet of that size' : 'nobody on the way objected to that size, and nobody answered it'}`;
  if (tunlMtu !== undefined && tunlMtu > inner) {
    return here({
      status: 'warn',
      found,
      means: `--tunl-mtu ${tunlMtu} is more: long packets leave in fragments, or not at all`,
      remedy: `--tunl-mtu ${inner} on both sides, or leave it out to have it follow`,
    });
  }
  if (inner < COMFORTABLE_MTU) {
    return here({
      status: 'warn',
      found,
      means: 'long packets inside are split or refused, and what does not cope with that hangs',
      remedy: 'look for another tunnel on the way that takes its part',
    });
  }
  return here(proven ? ok(found) : skip(`not proven: ${found}`));
}

function clock(facts: ClockFacts): Finding {
  const here = finding('clock', 'Network', "server's clock");
  switch (facts.kind) {
    case 'skipped':
      return here(skip(`unknown: ${facts.why}`));
    case 'silent':
      return here({
        status: 'warn',
        found: `unknown: ${facts.why}`,
        means:
          'it may be down, filtered, without --reply-on-auth-ok, or it refuses these keys or this time; its log says which',
      });
    case 'untimed':
      return here(ok('unknown, but the server answered: without a key of its own it signs no time'));
    case 'timed': {
      const { offsetSeconds, roundTripMs } = facts;
      const off = Math.round(Math.abs(offsetSeconds));
      const found = `${off <= 1 ? 'agrees with ours' : `${off} s ${offsetSeconds > 0 ? 'ahead of' : 'behind'} ours`} (answered after ${Math.round(roundTripMs)} ms)`;
      if (Math.abs(offsetSeconds) <= CLOCK_TOLERANCE_SECONDS) return here(ok(found));
      return here({
        status: 'warn',
        found,
        means:
          'with --auth-max-time-discrepancy the server refuses packets signed at such a distance, and after a clock is set back it refuses them until it has caught up',
        remedy: 'set both clocks by NTP (timedatectl set-ntp true)',
      });
    }
  }
}
