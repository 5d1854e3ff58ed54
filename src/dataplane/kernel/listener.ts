/**
 * The FOU listener: the kernel's UDP socket on the tunnel's port, for any local address. It takes the UDP header off and
 * hands the inner packet to the link whose addresses are those of the outer packet, which our rewrite sees to.
 */
import { isKernelError } from '../../netlink/errors.js';
import type { FouListener } from '../../netlink/fou/listener.js';
import type { Link } from '../../netlink/route/link.js';
import { nameOwners, udpPortOwners } from '../../sys/socket-owner.js';
import type { FouListeners, Routes } from '../common/announce.js';
import { PlaneError } from '../common/errors.js';
import { parseMark, type Mark } from '../common/mark.js';
import type { Step } from '../common/step.js';

const IPPROTO_IPIP = 4;

const isPlain = (listener: FouListener): boolean =>
  listener.type === 'fou' &&
  listener.ipproto === IPPROTO_IPIP &&
  listener.local === undefined &&
  listener.peer === undefined &&
  listener.ifindex === undefined;

/** The listener as it is. Rejects with PlaneError where the port has another kind of listener. */
export async function findListener(fou: FouListeners, port: number): Promise<FouListener | undefined> {
  const there = (await fou.listeners()).find((listener) => listener.port === port && listener.family === 'ipv4');
  if (there === undefined || isPlain(there)) return there;
  throw new PlaneError(
    'listener',
    `UDP port ${port} has a FOU listener that is not ours ("ip fou show"): remove it (ip fou del port ${port} …), or choose another port with --fou-local-port`,
  );
}

/** Rejects with PlaneError where the port has another kind of listener. */
export async function planListener(fou: FouListeners, port: number): Promise<Step[]> {
  if ((await findListener(fou, port)) !== undefined) return [];
  return [{ lack: `the FOU listener on UDP port ${port} is gone`, mend: () => addListener(fou, port) }];
}

/**
 * For a port that no mark of ours names. A listener can't carry a mark itself, and whoever removed all that did has left
 * nothing to know it by: it may be anybody's, also where no link shows whose. Rejects with PlaneError where there is one.
 */
export async function refuseListener(fou: FouListeners, route: Routes, { number, port }: Mark): Promise<void> {
  if ((await findListener(fou, port)) === undefined) return;
  const owner = (await route.links()).find(({ alias, tunnel }) => {
    const mark = parseMark(alias);
    return mark === undefined ? tunnel?.fou?.sourcePort === port : mark.number !== number && mark.port === port;
  });
  const whose = owner === undefined ? 'nothing marks it as ours' : `it belongs to the device ${describe(owner)}`;
  const remedy = owner === undefined ? `remove it if nobody needs it (ip fou del port ${port}), or ` : '';
  throw new PlaneError(
    'listener',
    `UDP port ${port} has a FOU listener that is not ours: ${whose}; ${remedy}choose another port with --fou-local-port`,
  );
}

function describe({ name, alias }: Link): string {
  const mark = parseMark(alias);
  return mark === undefined ? name : `${name} of tunnel ${mark.number}`;
}

async function addListener(fou: FouListeners, port: number): Promise<void> {
  try {
    await fou.add({ port, type: 'fou', ipproto: IPPROTO_IPIP });
  } catch (error) {
    if (!isKernelError(error, 'EADDRINUSE')) throw error;
    const by = nameOwners(udpPortOwners(port)) ?? `a program of this host ("ss -ulnp sport = :${port}" shows which)`;
    throw new PlaneError(
      'listener',
      `UDP port ${port} is in use by ${by}: the tunnel needs it on all addresses; stop that program, or choose another port with --fou-local-port`,
      { cause: error },
    );
  }
}

/** Removes our listener; one that is gone already is fine. */
export async function removeListener(fou: FouListeners, port: number): Promise<void> {
  try {
    await fou.delete({ port });
  } catch (error) {
    if (!isKernelError(error, 'EINVAL', 'ENOENT')) throw error;
  }
}
