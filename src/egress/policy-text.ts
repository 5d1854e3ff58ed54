/** Policies as the conf file and the command line have them: `MODE [key=value …]`, lists separated by commas. */
import { DURATION_FORMS, formatDuration, parseDuration } from './duration.js';
import { FAMILIES } from './address.js';
import { formatRange, parseRange, RANGE_FORMS, type AddressRange } from './address-range.js';
import { accept, refuse, type Parsed } from './parsed.js';
import { decidedTransports, type Action, type Policy, type PortRange } from './policy.js';
import { makePool } from './pool.js';
import { showWord as show } from './show-word.js';
import { parsePortRange, PORT_RANGE_FORMS } from './port-range.js';
import { ANY_PROTOCOL, parseProtocols, PROTOCOL_NAMES } from './protocols.js';
import { hasTimeouts, parseTimeout, TIMEOUT_FORMS, TIMEOUT_KEYS, type TimeoutKey, type Timeouts } from './timeouts.js';

export const MODES = ['passthrough', 'masquerade', 'rotate', 'drop'] as const;
export type Mode = (typeof MODES)[number];
const ESTABLISHED = ['keep', 'drop'] as const;
const PERS = ['tunnel', 'connection', 'packet'] as const;
/** Often enough for anybody, and seldom enough for the kernel. */
const EVERY_MIN_MS = 100;

const KEYS = [
  'protocols',
  'interfaces',
  'addresses',
  'exclude',
  'edges',
  'own',
  'per',
  'every',
  'established',
  'ports',
  'inner-port',
  ...TIMEOUT_KEYS,
];
/** Which modes know a key. */
const KEY_MODES: Readonly<Record<string, readonly Mode[]>> = {
  protocols: MODES,
  interfaces: MODES,
  ports: ['masquerade', 'rotate'],
  ...Object.fromEntries(TIMEOUT_KEYS.map((key) => [key, ['masquerade', 'rotate']])),
};

export const POLICY_FORM = `MODE [KEY=VALUE]..., MODE being ${MODES.join(', ')} and KEY ${KEYS.join(', ')}`;

/** A policy, and what was left out of its pool. */
export interface ReadPolicy {
  readonly policy: Policy;
  readonly notes: readonly string[];
}

/** What is wrong, down to the key: `problem` is read after the whole text, and says which. */
export function parsePolicy(text: string, isDevice: (name: string) => boolean): Parsed<ReadPolicy> {
  const [mode, ...words] = text.split(/[ \t]+/).filter((word) => word !== '');
  if (mode === undefined) return refuse('is empty');
  if (!isMode(mode)) return refuse(`has the unknown mode ${show(mode)}`);
  const keys = readKeys(mode, words);
  if (!keys.ok) return keys;
  const given = keys.value;
  const protocols = given.has('protocols') ? parseProtocols(list(given.get('protocols'))) : accept(ANY_PROTOCOL);
  if (!protocols.ok) return refuse(`has wrong protocols: allowed are ${PROTOCOL_NAMES.join(', ')}`);
  const interfaces = list(given.get('interfaces'));
  const wrongDevice = interfaces.find((name) => !isDevice(name));
  if (wrongDevice !== undefined) return refuse(`has no device name in interfaces: ${show(wrongDevice)}`);
  const action = readAction(mode, given);
  if (!action.ok) return action;
  const policy = { protocols: protocols.value, interfaces, action: action.value.action };
  if (FAMILIES.every((family) => decidedTransports(policy, family).size === 0)) {
    return refuse('has protocols= of one IP version, and addresses= of the other');
  }
  return accept({ policy, notes: action.value.notes });
}

type Keys = ReadonlyMap<string, string>;
type ReadAction = Parsed<{ readonly action: Action; readonly notes: readonly string[] }>;

function readKeys(mode: Mode, words: readonly string[]): Parsed<Keys> {
  const given = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf('=');
    const key = at < 0 ? word : word.slice(0, at);
    if (!KEYS.includes(key)) return refuse(`has the unknown key ${show(key)}`);
    if (at < 0 || at === word.length - 1) return refuse(`has no value behind ${key}=`);
    if (given.has(key)) return refuse(`has ${key}= twice`);
    if (!(KEY_MODES[key] ?? ['rotate']).includes(mode)) return refuse(`has ${key}=, which ${mode} does not know`);
    given.set(key, word.slice(at + 1));
  }
  return accept(given);
}

function readAction(mode: Mode, given: Keys): ReadAction {
  const ports = readPorts(given);
  if (!ports.ok) return ports;
  const withPorts = ports.value === undefined ? {} : { ports: ports.value };
  const timeouts = readTimeouts(given);
  if (!timeouts.ok) return timeouts;
  const withTimeouts = hasTimeouts(timeouts.value) ? { timeouts: timeouts.value } : {};
  if (mode === 'masquerade') return accept({ action: { mode, ...withPorts, ...withTimeouts }, notes: [] });
  if (mode !== 'rotate') return accept({ action: { mode }, notes: [] });
  if (!given.has('addresses')) return refuse('has no addresses= to rotate through');
  const addresses = readRanges('addresses', given);
  const exclude = readRanges('exclude', given);
  if (!addresses.ok) return addresses;
  if (!exclude.ok) return exclude;
  const stranger = exclude.value.find(({ family }) => addresses.value.every((range) => range.family !== family));
  if (stranger !== undefined) {
    return refuse(`has in exclude= ${formatRange(stranger)}, and in addresses= nothing of its IP version`);
  }
  const edges = given.get('edges') ?? 'no';
  if (edges !== 'yes' && edges !== 'no') return refuse('has wrong edges=: allowed are yes and no');
  const own = given.get('own') ?? 'no';
  if (own !== 'yes' && own !== 'no') return refuse('has wrong own=: allowed are yes and no');
  const drawsOwn = own === 'yes';
  const made = makePool({ addresses: addresses.value, exclude: exclude.value, edges: edges === 'yes' });
  if (!made.ok) return refuse(made.problem);
  const { pool, leftOut } = made.value;
  const notes = leftOut.map((what) => `left out of the pool: ${what}`);
  const per = given.get('per') ?? 'connection';
  if (!isPer(per)) return refuse(`has wrong per=: allowed are ${PERS.join(', ')}`);
  if (given.has('every') && per !== 'tunnel') return refuse('has every=, which goes with per=tunnel only');
  if (given.has('established') && per !== 'tunnel') return refuse('has established=, which goes with per=tunnel only');
  if (given.has('inner-port') && per !== 'packet') return refuse('has inner-port=, which goes with per=packet only');
  if (drawsOwn && per === 'packet')
    return refuse('has own=yes, with which per=packet would take what is for the server');
  if (per === 'connection')
    return accept({ action: { mode, per, pool, ...withPorts, ...withTimeouts, drawsOwn }, notes });
  if (per === 'tunnel') {
    const every = readEvery(given.get('every'));
    if (!every.ok) return every;
    const established = given.get('established') ?? 'keep';
    if (!ESTABLISHED.some((one) => one === established)) {
      return refuse(`has wrong established=: allowed are ${ESTABLISHED.join(', ')}`);
    }
    const dropEstablished = established === 'drop';
    return accept({
      action: { mode, per, pool, ...withPorts, ...withTimeouts, ...every.value, dropEstablished, drawsOwn },
      notes,
    });
  }
  const [timeout] = Object.keys(timeouts.value);
  if (timeout !== undefined) return refuse(`has ${timeout}=, but with per=packet nothing is tracked that could end`);
  const inner = readInnerPort(given, ports.value);
  return inner.ok ? accept({ action: { mode, per, pool, ...withPorts, ...inner.value }, notes }) : inner;
}

function readEvery(text: string | undefined): Parsed<{ readonly everyMs?: number; readonly onRoam: boolean }> {
  const words = list(text);
  const times = words.filter((word) => word !== 'roam');
  const wrong = `has wrong every=: allowed are ${DURATION_FORMS}, ${formatDuration(EVERY_MIN_MS)} at least, roam, or both`;
  if (times.length > 1 || words.length - times.length > 1) return refuse(wrong);
  const onRoam = words.includes('roam');
  const [time] = times;
  if (time === undefined) return accept({ onRoam });
  const everyMs = parseDuration(time);
  return everyMs.ok && everyMs.value >= EVERY_MIN_MS ? accept({ everyMs: everyMs.value, onRoam }) : refuse(wrong);
}

function readTimeouts(given: Keys): Parsed<Timeouts> {
  const timeouts: Partial<Record<TimeoutKey, number>> = {};
  for (const key of TIMEOUT_KEYS) {
    const text = given.get(key);
    if (text === undefined) continue;
    const parsed = parseTimeout(text);
    if (!parsed.ok) return refuse(`has ${key}=${show(text)}, which ${parsed.problem}: allowed is ${TIMEOUT_FORMS}`);
    timeouts[key] = parsed.value;
  }
  return accept(timeouts);
}

function readInnerPort(given: Keys, ports: PortRange | undefined): Parsed<{ readonly innerPort?: number }> {
  const text = given.get('inner-port');
  if (text === undefined) return accept({});
  const port = parsePortRange(text);
  if (!port.ok || port.value.from !== port.value.to) return refuse('has wrong inner-port=: allowed is one port');
  if (ports === undefined) return refuse('has inner-port=, which goes with ports= only');
  return accept({ innerPort: port.value.from });
}

function readPorts(given: Keys): Parsed<PortRange | undefined> {
  const text = given.get('ports');
  if (text === undefined) return accept(undefined);
  const ports = parsePortRange(text);
  return ports.ok
    ? ports
    : refuse(`has ports= that ${ports.problem.replace(/^is /, 'are ')}: allowed is ${PORT_RANGE_FORMS}`);
}

function readRanges(key: string, given: Keys): Parsed<readonly AddressRange[]> {
  const ranges: AddressRange[] = [];
  for (const word of list(given.get(key))) {
    const range = parseRange(word);
    if (!range.ok) return refuse(`has in ${key}= ${show(word)}, which ${range.problem}: allowed are ${RANGE_FORMS}`);
    ranges.push(range.value);
  }
  return accept(ranges);
}

const list = (text: string | undefined): readonly string[] => (text === undefined ? [] : text.split(','));

const isMode = (text: string): text is Mode => MODES.some((mode) => mode === text);
const isPer = (text: string): text is (typeof PERS)[number] => PERS.some((per) => per === text);
