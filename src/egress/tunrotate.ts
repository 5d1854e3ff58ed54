/**
 * Policies from a configuration file of tunrotate (JSON). As there, upper and lower case of names make no difference, and
 * names that are unknown are passed over. Two things become ours: `passthrough` lets connections leave by the host's own
 * address, which is our `masquerade`; and addresses are drawn uniformly, not first a block and then one of its addresses.
 */
import { parseDuration, DURATION_FORMS, DURATION_MAX_MS } from './duration.js';
import { parsePrefix, PREFIX_FORMS, type AddressRange } from './address-range.js';
import { parseJson, type JsonNode } from './json-lines.js';
import type { Policy } from './policy.js';
import { makePool } from './pool.js';
import { ANY_PROTOCOL, parseProtocols, PROTOCOL_NAMES } from './protocols.js';
import { showWord } from './show-word.js';
import { hasTimeouts, type TimeoutKey, type Timeouts } from './timeouts.js';

/** Each policy with the line it begins at, for what is found out later. */
export interface TunrotateFile {
  readonly policies: readonly { readonly policy: Policy; readonly line: number }[];
  readonly notes: readonly string[];
}

/** `problem` is read after the name of the field, which it begins with where there is one. */
export interface FileFault {
  readonly line: number;
  readonly problem: string;
  readonly allowed: string;
}

export type TunrotateResult =
  { readonly ok: true; readonly file: TunrotateFile } | { readonly ok: false; readonly fault: FileFault };

const TIMEOUTS: readonly (readonly [string, TimeoutKey])[] = [
  ['TcpConnectTimeout', 'tcp-connect-timeout'],
  ['TcpWaitTimeout', 'tcp-timeout'],
  ['UdpConnectTimeout', 'udp-connect-timeout'],
  ['UdpWaitTimeout', 'udp-timeout'],
];
const SECONDS_MAX = Math.floor(DURATION_MAX_MS / 1000);
const NAMESPACE_ONLY = ['DefaultRoutes', 'ExtraRoutes'];

/** Total. */
export function parseTunrotate(text: string, isDevice: (name: string) => boolean): TunrotateResult {
  const json = parseJson(text.replace(/^\uFEFF/, ''));
  if (!json.ok) {
    const { line, problem } = json;
    return { ok: false, fault: { line, problem, allowed: 'JSON, as tunrotate reads it' } };
  }
  try {
    return { ok: true, file: readFile(json.node, isDevice) };
  } catch (error) {
    if (error instanceof Wrong) return { ok: false, fault: error.fault };
    throw error;
  }
}

/** Thrown inside this file only. */
class Wrong extends Error {
  readonly fault: FileFault;

  constructor({ line }: JsonNode, problem: string, allowed: string) {
    super(problem);
    this.fault = { line, problem, allowed };
  }
}

type Fields = ReadonlyMap<string, JsonNode>;

function readFile(root: JsonNode, isDevice: (name: string) => boolean): TunrotateFile {
  const fields = fieldsOf(root, 'the file');
  const timeouts = readTimeouts(fields);
  const policies = itemsOf(fields.get('policy'), 'Policy').map((node) => ({
    line: node.line,
    policy: withTimeouts(readPolicy(node, isDevice), timeouts),
  }));
  const unknown = fields.get('allowunknown');
  if (unknown !== undefined && typeof unknown.value !== 'boolean') {
    throw new Wrong(unknown, 'AllowUnknown is neither true nor false', 'true, false');
  }
  const idle = NAMESPACE_ONLY.filter((name) => fields.has(name.toLowerCase()));
  const notes = idle.map((name) => `${name} has no effect on what leaves a tunnel`);
  if (unknown?.value === true) {
    const policy: Policy = { protocols: ANY_PROTOCOL, interfaces: [], action: { mode: 'masquerade' } };
    return { policies: [...policies, { policy: withTimeouts(policy, timeouts), line: unknown.line }], notes };
  }
  return { policies, notes };
}

function withTimeouts(policy: Policy, timeouts: Timeouts): Policy {
  const { action } = policy;
  const isTracked = action.mode === 'masquerade' || (action.mode === 'rotate' && action.per !== 'packet');
  return isTracked && hasTimeouts(timeouts) ? { ...policy, action: { ...action, timeouts } } : policy;
}

function readPolicy(node: JsonNode, isDevice: (name: string) => boolean): Policy {
  const fields = fieldsOf(node, 'a policy');
  const protocolNodes = itemsOf(fields.get('protocols'), 'Protocols');
  const protocols = parseProtocols(protocolNodes.map((item) => textOf(item, 'Protocols')));
  if (!protocols.ok)
    throw new Wrong(protocolNodes[0] ?? node, `Protocols ${protocols.problem}`, PROTOCOL_NAMES.join(', '));
  const interfaces = itemsOf(fields.get('interfaces'), 'Interfaces').map((item) => {
    const name = textOf(item, 'Interfaces');
    if (!isDevice(name)) throw new Wrong(item, `Interfaces: ${showWord(name)} is no device name`, 'names of devices');
    return name;
  });
  const addressNodes = itemsOf(fields.get('addresses'), 'Addresses');
  const mode = fields.get('mode');
  const modeName = mode === undefined ? '' : textOf(mode, 'Mode').toLowerCase();
  if (modeName === 'passthrough') {
    const [first] = addressNodes;
    if (first !== undefined) throw new Wrong(first, 'Addresses go with Mode rotate only', 'no Addresses');
    return { protocols: protocols.value, interfaces, action: { mode: 'masquerade' } };
  }
  if (modeName !== 'rotate') throw new Wrong(mode ?? node, 'Mode is unknown or missing', 'passthrough, rotate');
  // tunrotate draws the first and the last address of a block like any other.
  const made = makePool({ addresses: addressNodes.map(addressOf), edges: true });
  if (!made.ok) throw new Wrong(addressNodes[0] ?? node, `Addresses: the pool ${made.problem}`, PREFIX_FORMS);
  return {
    protocols: protocols.value,
    interfaces,
    // There the pool has to be the host's own, or nothing leaves from it.
    action: { mode: 'rotate', per: 'connection', pool: made.value.pool, drawsOwn: true },
  };
}

function addressOf(node: JsonNode): AddressRange {
  const text = textOf(node, 'Addresses');
  const range = parsePrefix(text);
  if (range.ok) return range.value;
  throw new Wrong(node, `Addresses: ${showWord(text)} ${range.problem}`, PREFIX_FORMS);
}

/** As there, a time of 0 or less stands for none. */
function readTimeouts(fields: Fields): Timeouts {
  return Object.fromEntries(
    TIMEOUTS.flatMap(([name, key]): [TimeoutKey, number][] => {
      const node = fields.get(name.toLowerCase());
      const seconds = node === undefined ? 0 : secondsOf(name, node);
      return seconds > 0 ? [[key, seconds]] : [];
    }),
  );
}

/** A number is nanoseconds, as Go has it. The kernel counts in whole seconds: what is less becomes one. */
function secondsOf(name: string, node: JsonNode): number {
  const [first = node] = Array.isArray(node.value) ? (node.value as readonly JsonNode[]) : [node];
  if (typeof first.value === 'number') return inRange(first, name, Math.ceil(first.value / 1e9));
  const text = textOf(first, name);
  if (/^0+[a-z]*$/.test(text)) return 0;
  const parsed = parseDuration(text);
  if (!parsed.ok) throw new Wrong(first, `${name} is not a time`, DURATION_FORMS);
  return inRange(first, name, Math.ceil(parsed.value / 1000));
}

function inRange(node: JsonNode, name: string, seconds: number): number {
  if (seconds <= SECONDS_MAX) return seconds;
  throw new Wrong(node, `${name} is longer than 24 days`, DURATION_FORMS);
}

function fieldsOf(node: JsonNode, what: string): Fields {
  if (!(node.value instanceof Map)) throw new Wrong(node, `${what} is not an object`, '{ … }');
  return new Map([...(node.value as Fields)].map(([name, value]) => [name.toLowerCase(), value]));
}

function itemsOf(node: JsonNode | undefined, what: string): readonly JsonNode[] {
  if (node === undefined || node.value === null) return [];
  if (!Array.isArray(node.value)) throw new Wrong(node, `${what} is not a list`, '[ … ]');
  return node.value as readonly JsonNode[];
}

function textOf(node: JsonNode, what: string): string {
  if (typeof node.value !== 'string') throw new Wrong(node, `${what} has something that is not text`, 'text in quotes');
  return node.value;
}
