/** Whether this host passes on what comes out of the tunnel. Its settings are not put back: others may rely on them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { Logger } from '../log/index.js';

const SYSCTLS = '/proc/sys/net';
const NAMES = { ip: 'ipv4/ip_forward', ip6: 'ipv6/conf/all/forwarding' } as const;

/** Devices that take a default route from routers unless they forward, and then always (Documentation/networking/ip-sysctl.rst). */
const [ACCEPT_UNLESS_FORWARDING, ACCEPT_ALWAYS] = ['1', '2'];

const dotted = (name: string): string => `net.${name.replaceAll('/', '.')}`;
const read = (name: string): string => readFileSync(`${SYSCTLS}/${name}`, 'utf8').trim();

/** Without forwarding nothing leaves at all: switches it on where the user allows that, or says that it is off. */
export async function allowForwarding(
  families: readonly (keyof typeof NAMES)[],
  mayChange: boolean,
  log: Logger,
): Promise<void> {
  for (const family of families) {
    const name = NAMES[family];
    // A kernel without IPv6 has none to forward.
    if (!existsSync(`${SYSCTLS}/${name}`) || read(name) === '1') continue;
    if (!mayChange) {
      log.error(
        `this host does not forward packets (${dotted(name)} = 0), so nothing leaves the tunnel: --ip-forward switches it on`,
      );
      continue;
    }
    if (family === 'ip6') await keepRouters(log);
    await set(name, '1', log);
  }
}

/** A host that forwards IPv6 would forget the routers that told it the way, its own default route with them. */
async function keepRouters(log: Logger): Promise<void> {
  for (const device of readdirSync(`${SYSCTLS}/ipv6/conf`)) {
    if (device === 'all' || device === 'default' || device === 'lo') continue;
    const name = `ipv6/conf/${device}/accept_ra`;
    if (read(name) === ACCEPT_UNLESS_FORWARDING) await set(name, ACCEPT_ALWAYS, log);
  }
}

async function set(name: string, value: string, log: Logger): Promise<void> {
  await writeFile(`${SYSCTLS}/${name}`, value);
  log.info(`${dotted(name)} = ${value}`);
}
