/**
 * The FOU listeners: the kernel's UDP sockets on the tunnel's port. They take the UDP header off and hand the inner packet
 * to the link whose addresses are those of the outer packet, which our rewrite sees to. In one of two forms:
 *
 *     IPv4 alone       fou, any address            inner packets are IPv4
 *     IPv4 and IPv6    gue, internal address       told apart by their version (draft-ietf-intarea-gue, section 3.3)
 *                      fou, outer address          gets nothing, since all is rewritten; but what ICMP says about the
 *                                                  path is heard by the socket that an outer packet seems to come from
 *
 * A GUE listener also takes packets with a header of GUE's own, which may hold any protocol whatever and comes in behind
 * the firewall. So it must hear nothing but what our rules let through, also where they are gone: nothing else has the
 * internal address for its destination.
 */
import { isKernelError } from '../../netlink/errors.js';
import type { FouListener, FouListenerSpec } from '../../netlink/fou/listener.js';
import type { Link } from '../../netlink/route/link.js';
import { nameOwners, udpPortOwners } from '../../sys/socket-owner.js';
import type { FouListeners, Routes } from '../common/announce.js';
import { PlaneError } from '../common/errors.js';
import { parseMark } from '../common/mark.js';
import type { Step } from '../common/step.js';

const IPPROTO_IPIP = 4;

/** What is known of the listeners whatever their form. */
export interface ListenerPlace {
  readonly port: number;
  /** The internal address of the tunnel. */
  readonly internal: string;
}

export interface WantedListener extends ListenerPlace {
  /** The outer address, of a tunnel that carries IPv6, too. */
  readonly forIpv6: string | undefined;
}

/** Does something while the internal address is one that a socket can be bound to. */
export type WhileLocal = <T>(work: () => Promise<T>) => Promise<T>;

function specsOf({ port, internal, forIpv6 }: WantedListener): FouListenerSpec[] {
  const plain = { port, type: 'fou', ipproto: IPPROTO_IPIP } as const;
  if (forIpv6 === undefined) return [plain];
  return [
    { port, local: internal, type: 'gue' },
    { ...plain, local: forIpv6 },
  ];
}

const isSame = (one: FouListenerSpec, other: FouListenerSpec): boolean =>
  one.type === other.type && one.local === other.local;

/** Of either form; whose it is the port's mark says. */
const isOfOurs = (listener: FouListener, { internal }: ListenerPlace): boolean =>
  listener.peer === undefined &&
  listener.ifindex === undefined &&
  (listener.type === 'gue' ? listener.local === internal : listener.ipproto === IPPROTO_IPIP);

/** The listeners as they are, of either form. Rejects with PlaneError where something else listens there. */
export async function findListeners(fou: FouListeners, place: ListenerPlace): Promise<FouListener[]> {
  const { port } = place;
  const there = (await fou.listeners()).filter((listener) => listener.port === port && listener.family === 'ipv4');
  if (there.every((listener) => isOfOurs(listener, place))) return there;
  throw new PlaneError(
    'listener',
    `UDP port ${port} has a FOU listener that is not ours ("ip fou show"): remove it (ip fou del port ${port} …), or choose another port with --fou-local-port`,
  );
}

/** Rejects with PlaneError where something else listens there. */
export async function planListener(fou: FouListeners, wanted: WantedListener, whileLocal: WhileLocal): Promise<Step[]> {
  const there = await findListeners(fou, wanted);
  const specs = specsOf(wanted);
  const stale = there.filter((listener) => !specs.some((spec) => isSame(spec, listener)));
  const missing = specs.filter((spec) => !there.some((listener) => isSame(spec, listener)));
  if (stale.length + missing.length === 0) return [];
  return [
    {
      lack: `the FOU listener on UDP port ${wanted.port} ${stale.length === 0 ? 'is gone' : 'is another one'}`,
      mend: async () => {
        for (const listener of stale) await deleteListener(fou, listener);
        for (const spec of missing) await addListener(fou, spec, spec.type === 'gue' ? whileLocal : atOnce);
      },
    },
  ];
}

const atOnce: WhileLocal = (work) => work();

/**
 * For a port that no mark of ours names. A listener can't carry a mark itself, and whoever removed all that did has left
 * nothing to know it by: it may be anybody's, also where no link shows whose. Rejects with PlaneError where there is one.
 */
export async function refuseListener(
  fou: FouListeners,
  route: Routes,
  number: number,
  place: ListenerPlace,
): Promise<void> {
  if ((await findListeners(fou, place)).length === 0) return;
  const { port } = place;
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

async function addListener(fou: FouListeners, spec: FouListenerSpec, whileLocal: WhileLocal): Promise<void> {
  const { port } = spec;
  try {
    await whileLocal(() => fou.add(spec));
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

/** Removes our listeners, of either form, and leaves others alone. */
export async function removeListener(fou: FouListeners, place: ListenerPlace): Promise<void> {
  for (const listener of await fou.listeners()) {
    if (listener.port !== place.port || listener.family !== 'ipv4' || !isOfOurs(listener, place)) continue;
    await deleteListener(fou, listener);
  }
}

/** One that is gone already is fine. */
async function deleteListener(fou: FouListeners, { port, local }: FouListenerSpec): Promise<void> {
  try {
    await fou.delete({ port, ...(local !== undefined && { local }) });
  } catch (error) {
    if (!isKernelError(error, 'EINVAL', 'ENOENT')) throw error;
  }
}
