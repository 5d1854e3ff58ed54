/**
 * Who holds which address, and until when: the decisions of `per=tunnel` and of bans, without clock and kernel. Time and
 * randomness come in, the next state goes out; what differs between two states is what the kernel has to be told.
 *
 *     slot: holds an address of each IP version that its pool has
 *       due      → another address      (every=)
 *       roamed   → another address      (every=roam)
 *       rotate   → another address      (on command)
 *       ban      → another address, if it holds the banned one
 *       own      → another address, if it holds one that is the server's own now
 */
import { formatAddress, type AddressFamily, type IpAddress } from './address.js';
import { drawAddress, drawOther, type RandomBytes } from './draw.js';
import type { TunnelRotation } from './policy.js';
import { poolFamilies, poolHas } from './pool.js';
import { usablePool, type Unusable } from './usable.js';

/** How many addresses may be banned at a time; each costs the kernel rules. */
export const BANS_MAX = 1024;

/** A `per=tunnel` policy of one tunnel. */
export interface Slot {
  /** The tunnel device, and the policy's place in its list. */
  readonly device: string;
  readonly index: number;
  readonly action: TunnelRotation;
  /** Missing where the pool has none of that IP version, or none that is not banned. */
  readonly held: Readonly<Partial<Record<AddressFamily, IpAddress>>>;
  /** When it is drawn anew; undefined where no time is set. */
  readonly dueMs: number | undefined;
}

export interface Ban {
  readonly address: IpAddress;
  /** undefined: for good. */
  readonly untilMs: number | undefined;
}

export interface Rotation {
  readonly slots: readonly Slot[];
  readonly bans: readonly Ban[];
  /** Addresses of the server itself, which are not drawn. */
  readonly own: readonly IpAddress[];
}

export type RotationEvent =
  /** Redraws what is due, and ends the bans that are over. */
  | { readonly kind: 'clock' }
  | { readonly kind: 'roamed'; readonly device: string }
  /** Of one tunnel, or of all. */
  | { readonly kind: 'rotate'; readonly device?: string }
  | { readonly kind: 'ban'; readonly address: IpAddress; readonly forMs?: number }
  | { readonly kind: 'unban'; readonly address: IpAddress }
  /** The server's own addresses are these now. */
  | { readonly kind: 'own'; readonly addresses: readonly IpAddress[] };

export type SlotSeed = Pick<Slot, 'device' | 'index' | 'action'> & {
  /** What an earlier run drew: kept where the pool still has it. */
  readonly held?: Slot['held'];
};

export function startRotation(
  seeds: readonly SlotSeed[],
  nowMs: number,
  random: RandomBytes,
  own: readonly IpAddress[] = [],
): Rotation {
  const unusable = { banned: [], own };
  const slots = seeds.map(({ device, index, action, held = {} }) => {
    const slot: Slot = { device, index, action, held: {}, dueMs: dueAfter(action, nowMs) };
    return { ...slot, held: fillHeld(slot, (family) => keepable(held[family], slot, unusable), random, unusable) };
  });
  return { slots, bans: [], own };
}

/** What is kept out of draws. */
export const unusableOf = ({ bans, own }: Rotation): Unusable => ({ banned: bans.map(({ address }) => address), own });

export function stepRotation(state: Rotation, event: RotationEvent, nowMs: number, random: RandomBytes): Rotation {
  switch (event.kind) {
    case 'clock': {
      const bans = state.bans.filter(({ untilMs }) => untilMs === undefined || untilMs > nowMs);
      return redraw({ ...state, bans }, ({ dueMs }) => dueMs !== undefined && dueMs <= nowMs, nowMs, random);
    }
    case 'roamed':
      return redraw(state, ({ device, action }) => action.onRoam && device === event.device, nowMs, random);
    case 'rotate':
      return redraw(state, ({ device }) => event.device === undefined || device === event.device, nowMs, random);
    case 'ban': {
      const { address, forMs } = event;
      const others = state.bans.filter((ban) => !same(ban.address, address));
      if (others.length >= BANS_MAX) return state;
      const bans = [...others, { address, untilMs: forMs === undefined ? undefined : nowMs + forMs }];
      return redraw(withoutUnusable({ ...state, bans }), NONE, nowMs, random);
    }
    case 'unban': {
      const bans = state.bans.filter(({ address }) => !same(address, event.address));
      // A pool that was banned whole has something to give again.
      return redraw({ ...state, bans }, NONE, nowMs, random);
    }
    case 'own':
      return redraw(withoutUnusable({ ...state, own: event.addresses }), NONE, nowMs, random);
  }
}

/** When something is due next; undefined where nothing ever is. */
export function nextDueMs({ slots, bans }: Rotation): number | undefined {
  const times = [...slots.map(({ dueMs }) => dueMs), ...bans.map(({ untilMs }) => untilMs)];
  return times.reduce(
    (least, time) => (time !== undefined && !(least !== undefined && least <= time) ? time : least),
    undefined,
  );
}

const NONE = (): boolean => false;

/** Nobody holds what is not to be drawn. */
function withoutUnusable(state: Rotation): Rotation {
  const unusable = unusableOf(state);
  const slots = state.slots.map((slot): Slot => {
    const pool = usablePool(slot.action, unusable);
    const kept = Object.entries(slot.held).filter(([, address]) => poolHas(pool, address));
    return kept.length === Object.keys(slot.held).length ? slot : { ...slot, held: Object.fromEntries(kept) };
  });
  return { ...state, slots };
}

/** Draws anew what `which` says, and what is missing anywhere. */
function redraw(state: Rotation, which: (slot: Slot) => boolean, nowMs: number, random: RandomBytes): Rotation {
  const unusable = unusableOf(state);
  const slots = state.slots.map((slot) => {
    if (which(slot)) {
      return { ...slot, held: fillHeld(slot, () => undefined, random, unusable), dueMs: dueAfter(slot.action, nowMs) };
    }
    if (!lacksAddress(slot)) return slot;
    return { ...slot, held: fillHeld(slot, (family) => slot.held[family], random, unusable) };
  });
  return { ...state, slots };
}

function fillHeld(
  slot: Slot,
  keep: (family: AddressFamily) => IpAddress | undefined,
  random: RandomBytes,
  unusable: Unusable,
): Slot['held'] {
  const pool = usablePool(slot.action, unusable);
  const held: Partial<Record<AddressFamily, IpAddress>> = {};
  for (const family of poolFamilies(pool)) {
    const before = slot.held[family];
    const drawn =
      keep(family) ??
      (before === undefined ? drawAddress(pool, family, random) : drawOther(pool, family, before, random));
    if (drawn !== undefined) held[family] = drawn;
  }
  return held;
}

const keepable = (address: IpAddress | undefined, { action }: Slot, unusable: Unusable): IpAddress | undefined =>
  address !== undefined && poolHas(usablePool(action, unusable), address) ? address : undefined;

const lacksAddress = ({ action, held }: Slot): boolean =>
  poolFamilies(action.pool).some((family) => held[family] === undefined);

const dueAfter = ({ everyMs }: TunnelRotation, nowMs: number): number | undefined =>
  everyMs === undefined ? undefined : nowMs + everyMs;

const same = (a: IpAddress | undefined, b: IpAddress): boolean => a?.family === b.family && a.value === b.value;

/** `198.51.100.7, 2001:db8::1`, or `none` where everything is banned. */
export function formatHeld({ held }: Slot): string {
  const addresses = Object.values(held).map((address) => formatAddress(address));
  return addresses.length === 0 ? 'none' : addresses.join(', ');
}
