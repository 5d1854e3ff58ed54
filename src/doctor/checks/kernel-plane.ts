/** What the kernel plane is made of. */
import type { HostFacts, TrialFacts } from '../facts.js';
import { finding, type Check, type Finding, type Judgement } from '../finding.js';
import { judgeTrial, type Tried } from './trial-judgement.js';

interface KernelPlaneFacts {
  /** Whether the tunnel may be carried without a filter and a queue, on a kernel that has none. */
  readonly mayBeOpen: boolean;
  /** Of the tunnel's link. */
  readonly kind: 'ipip' | 'sit';
  readonly host: HostFacts;
  readonly trials: TrialFacts;
}

export const checkKernelPlane: Check<KernelPlaneFacts> = ({ mayBeOpen, kind, host, trials }) => {
  const module = (name: string): Pick<Tried, 'module'> => ({
    module: { name, place: host.modules[name] ?? 'unknown' },
  });
  const judge = (tried: Omit<Tried, 'plane'>): Judgement => judgeTrial({ ...tried, plane: 'kernel' });
  const noFilter = mayBeOpen
    ? 'nothing keeps packets with a forged source out of the tunnel, and no answer of the server is heard'
    : 'anyone would be let in, and nobody heard';
  const noQueue = mayBeOpen ? "the tunnel works, but the server's answers are not heard" : 'no auth packet is heard';

  const findings: Finding[] = [
    about(
      'fou',
      'FOU',
    )(
      judge({
        trial: trials.fouListener,
        works: 'a listener takes the UDP header off',
        means: "the kernel cannot receive the tunnel's packets",
        ...module('fou'),
      }),
    ),
    about(
      kind,
      kind,
    )(
      judge({
        trial: trials.tunnelLink,
        works: 'a tunnel device can be made',
        means: 'there is no device for the tunnel',
        ...module(kind),
      }),
    ),
  ];
  if (trials.fouLink.kind !== 'untried') {
    findings.push(
      about(
        `${kind}-in-udp`,
        `${kind} in UDP`,
      )(judge({ trial: trials.fouLink, works: 'a tunnel device sends in UDP', means: 'nothing leaves by the tunnel' })),
    );
  }
  findings.push(
    about(
      'dummy',
      'dummy',
    )(
      judge({
        trial: trials.dummyLink,
        works: 'the internal address has a device to be on',
        means: 'the tunnel has no outer address that the wire cannot reach',
        ...module('dummy'),
      }),
    ),
    about(
      'nf-tables',
      'nf_tables',
    )(
      judge({
        trial: trials.nftTable,
        works: 'a table can be made',
        means: noFilter,
        isOptional: mayBeOpen,
        ...module('nf_tables'),
      }),
    ),
  );
  if (trials.nftTable.kind === 'works') {
    findings.push(
      about(
        'nft-rules',
        'nftables rules',
      )(
        judge({
          trial: trials.ruleset,
          works: "the kernel takes the tunnel's own rules",
          means: 'the rules that keep strangers out cannot be set',
          remedy: 'the message names the rule; nft_fib_ipv4 and nft_limit are needed besides nf_tables',
        }),
      ),
    );
  }
  if (trials.ruleset.kind === 'works') {
    findings.push(
      about(
        'nft-queue',
        'nft_queue',
      )(
        judge({
          trial: trials.queueRule,
          works: 'rules can hand auth packets over',
          means: noQueue,
          isOptional: mayBeOpen,
          ...module('nft_queue'),
        }),
      ),
    );
  }
  findings.push(
    about(
      'nfnetlink-queue',
      'nfnetlink_queue',
    )(
      judge({
        trial: trials.queue,
        works: 'a packet queue can be taken',
        means: noQueue,
        isOptional: mayBeOpen,
        ...module('nfnetlink_queue'),
      }),
    ),
  );
  return findings;
};

const about = (id: string, title: string): ((judgement: Judgement) => Finding) => finding(id, 'Kernel plane', title);
