/** The guard of the egress as ip(8) and tc(8) know it, whichever of its two kinds the kernel has. */
import type { TestNamespace } from './namespace.js';

const FAMILIES = ['-4', '-6'] as const;

/** What shuts the device; empty where nothing does. */
export function shownGuard(host: TestNamespace, device: string): string[] {
  const rules = FAMILIES.flatMap((family) => host.ip(family, 'rule').split('\n')).filter((line) =>
    line.includes(`iif ${device} `),
  );
  const filters = host.run('tc', 'filter', 'show', 'dev', device, 'ingress').match(/skbedit\s+ptype broadcast/g);
  return [...rules, ...(filters ?? [])];
}

/** As somebody would who clears up what he doesn't know. */
export function removeGuard(host: TestNamespace, device: string): void {
  for (const family of FAMILIES)
    if (host.ip(family, 'rule').includes('prohibit')) host.ip(family, 'rule', 'del', 'prohibit');
  if (host.run('tc', 'qdisc', 'show', 'dev', device).includes('clsact'))
    host.run('tc', 'qdisc', 'del', 'dev', device, 'clsact');
}
