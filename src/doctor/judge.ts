/** All checks, in the order of the report. Pure: facts in, report out. */
import { checkConfiguration } from './checks/configuration.js';
import { checkEgress } from './checks/egress.js';
import { checkFirewall } from './checks/firewall.js';
import { checkHost } from './checks/host.js';
import { checkKernelPlane } from './checks/kernel-plane.js';
import { checkNetwork } from './checks/network.js';
import { checkPath } from './checks/path.js';
import { checkUserspacePlane } from './checks/userspace-plane.js';
import type { Facts } from './facts.js';
import type { Finding } from './finding.js';
import { isFit, judgePlanes, verdictFindings, type ChosenPlane, type Verdict } from './verdict.js';

export interface Report {
  readonly chosen: ChosenPlane;
  /** Whether what was chosen can run. */
  readonly fit: boolean;
  readonly verdicts: readonly Verdict[];
  readonly findings: readonly Finding[];
}

export function judge(facts: Facts, chosen: ChosenPlane): Report {
  const { config, host, trials, network, firewall, path, clock, egress } = facts;
  const { mode } = config;
  const { tunnel, remote } = config.resolution;
  // Such a client says so at its start, and goes on.
  const kind = tunnel.inner6 === undefined ? 'ipip' : 'sit';
  const mayBeOpen = mode === 'client' && chosen === 'kernel' && kind === 'ipip';
  const port = tunnel.fouLocalPort;
  const findings = [
    ...checkHost({ host, trials }),
    ...checkConfiguration(config),
    ...checkKernelPlane({ mayBeOpen, kind, host, trials }),
    ...checkUserspacePlane({ host, trials }),
    ...checkNetwork({ mode, port, device: tunnel.tunlDev, network }),
    ...checkFirewall({ mode, port, remotePort: remote.port, table: tunnel.nftTable, network, firewall }),
    ...checkEgress({ egress, table: tunnel.nftTable, network, firewall }),
    ...checkPath({ path, clock, network, tunlMtu: tunnel.tunlMtu }),
  ];
  const verdicts = judgePlanes(findings);
  return {
    chosen,
    fit: isFit(chosen, verdicts),
    verdicts,
    findings: [...findings, ...verdictFindings(chosen, verdicts, findings)],
  };
}
