/** What a packet loop counts, in the order of the packet module's counters (assembly/counters.ts). */
export const COUNTER_NAMES = [
  'inPackets',
  'inBytes',
  'outPackets',
  'outBytes',
  'joinedPackets',
  'unbound',
  'unrecognised',
  'malformed',
  'foreign',
  'cut',
  'noPeer',
  'unsendable',
  'sending',
  'writing',
  'authRate',
  'authQueue',
  'forNeighbours',
  'fromInside',
] as const;

export type CounterName = (typeof COUNTER_NAMES)[number];
export type Counters = Readonly<Record<CounterName, number>>;

export const NO_COUNTS: Counters = Object.fromEntries(COUNTER_NAMES.map((name) => [name, 0])) as Record<
  CounterName,
  number
>;

/** Of what was dropped, in words for the user. */
const DROPS: readonly (readonly [CounterName, string])[] = [
  ['unbound', 'from endpoints that are not bound'],
  ['unrecognised', 'neither inner nor auth packets'],
  ['malformed', 'malformed'],
  ['foreign', 'with an inner source that is not routed into the tunnel'],
  ['cut', 'too long'],
  ['noPeer', 'to send while no peer was bound'],
  ['unsendable', 'to send that are no whole packets of what the tunnel carries'],
  ['sending', 'refused by the network'],
  ['writing', 'refused by the tunnel device'],
  ['authRate', 'auth packets beyond their budget'],
  ['authQueue', 'auth packets beyond the queue'],
  ['fromInside', 'auth packets from inside the tunnel'],
];

export const addCounts = (one: Counters, other: Counters): Counters =>
  Object.fromEntries(COUNTER_NAMES.map((name) => [name, one[name] + other[name]])) as Record<CounterName, number>;

/** `3 malformed`, `1 too long`; only what there was. */
export const drops = (counters: Counters): [reason: string, count: number][] =>
  DROPS.filter(([name]) => counters[name] > 0).map(([name, words]) => [words, counters[name]]);
