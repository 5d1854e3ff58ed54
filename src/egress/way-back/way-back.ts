/** Whether what is sent to an address of a pool comes to this host: nothing is answered that does not. */
import { formatAddress, type IpAddress } from '../address.js';

export type Way =
  /** A packet sent out to it came back to us. */
  | { readonly kind: 'returned' }
  /** This host answers for it on that link. */
  | { readonly kind: 'announced'; readonly device: string }
  /** It is this host's own. */
  | { readonly kind: 'own' }
  /** It belongs to that link, whose hosts look for it there; nobody answers for it. */
  | { readonly kind: 'on-link'; readonly device: string }
  /** A packet sent out to it went to the gateway, where there is one known, and did not come back. */
  | { readonly kind: 'lost'; readonly gateway: string | undefined }
  /** No packet could be sent to it from here. */
  | { readonly kind: 'untried'; readonly why: string };

export interface SampleWay {
  readonly address: IpAddress;
  readonly way: Way;
}

/** The worst that was seen of a pool's samples, in words for logs and reports. */
export interface WayJudgement {
  /** `comes`: shown for all samples; `fails`: surely not for one of them; `open`: not shown. */
  readonly kind: 'comes' | 'fails' | 'open';
  /** What was seen, in one line without a full stop. */
  readonly found: string;
  /** With `fails` and `open`. */
  readonly remedy?: string;
}

export function judgeWays(samples: readonly SampleWay[]): WayJudgement {
  const onLink = samples.find(({ way }) => way.kind === 'on-link');
  if (onLink?.way.kind === 'on-link') {
    const { device } = onLink.way;
    return {
      kind: 'fails',
      found: `${formatAddress(onLink.address)} belongs to the link of ${device}, where nobody answers for it`,
      remedy: `have it answered for: --egress-announce ${device}; or have the pool routed to this host`,
    };
  }
  const lost = samples.find(({ way }) => way.kind === 'lost');
  if (lost?.way.kind === 'lost') {
    const { gateway } = lost.way;
    const by = gateway === undefined ? '' : ` by way of ${gateway}`;
    return {
      kind: 'open',
      found: `a packet sent to ${formatAddress(lost.address)}${by} did not come back`,
      remedy: `have the pool routed to this host; where it is, the router does not turn packets around, and this warning may be passed over`,
    };
  }
  const untried = samples.find(({ way }) => way.kind === 'untried');
  if (untried?.way.kind === 'untried') {
    return {
      kind: 'open',
      found: `${formatAddress(untried.address)}: ${untried.way.why}`,
      remedy: 'make sure that the pool is routed to this host',
    };
  }
  return { kind: 'comes', found: samples.map(describe).join(', ') };
}

function describe({ address, way }: SampleWay): string {
  const text = formatAddress(address);
  switch (way.kind) {
    case 'returned':
      return `a packet sent to ${text} came back`;
    case 'announced':
      return `${text} is announced on ${way.device}`;
    default:
      return `${text} is this host's own`;
  }
}
