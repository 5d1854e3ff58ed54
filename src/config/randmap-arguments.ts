/** What `randmap …` on the command line asks for. */
import { HOOKS, HOOKS_WITH_INPUT, HOOKS_WITH_OUTPUT, PORT_PROTOCOLS } from '../egress/randmap/spec.js';
import type { RandmapHook, RandmapSpec, SideSpec } from '../egress/randmap/spec.js';
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from '../egress/nftables/matches.js';
import { ConfigError } from './errors.js';
import { quoteValue } from './quote.js';
import type { RandmapOptionName } from './randmap-options.js';
import { RandmapValues } from './randmap-values.js';

export type RandmapRequest =
  | { readonly verb: 'add'; readonly spec: RandmapSpec }
  | { readonly verb: 'delete'; readonly id: number }
  | { readonly verb: 'show' | 'flush' | 'help' };

const VERBS = ['add', 'show', 'delete', 'flush'] as const;
const PREFIX_OPTIONS: readonly RandmapOptionName[] = ['source', 'destination', 'src-pfx', 'dst-pfx'];
const PORT_OPTIONS: readonly RandmapOptionName[] = ['match-sport', 'match-dport', 'sport', 'dport'];
const ACTION_OPTIONS: readonly RandmapOptionName[] = ['src-pfx', 'dst-pfx', 'sport', 'dport'];
const ID_MAX = 0xffff_fffe;

/** The words behind `randmap`. Throws `ConfigError`. */
export function parseRandmap(words: readonly string[]): RandmapRequest {
  const [verb, ...rest] = words;
  if (words.some((word) => word === '-h' || word === '--help')) return { verb: 'help' };
  switch (VERBS.find((one) => one === verb)) {
    case 'add':
      return { verb: 'add', spec: parseSpec(rest) };
    case 'delete':
      return { verb: 'delete', id: parseId(rest) };
    case 'show':
      refuseRest(rest);
      return { verb: 'show' };
    case 'flush':
      refuseRest(rest);
      return { verb: 'flush' };
    case undefined:
      throw new ConfigError({
        ...(verb !== undefined && { value: quoteValue(verb) }),
        problem: verb === undefined ? 'randmap is to do nothing' : 'is nothing that randmap does',
        allowed: VERBS.join(', '),
      });
  }
}

function parseSpec([hookName, ...words]: readonly string[]): RandmapSpec {
  const hook = HOOKS.find((one) => one === hookName);
  if (hook === undefined) {
    throw new ConfigError({
      ...(hookName !== undefined && { value: quoteValue(hookName) }),
      problem: hookName === undefined ? 'the hook is missing' : 'is not a hook',
      allowed: HOOKS.join(', '),
    });
  }
  const values = new RandmapValues(words);
  refuseIdle(values);
  refuseDevices(values, hook);
  refuseFamilies(values);
  const protocol = values.get('protocol');
  const portOption = values.firstOf(PORT_OPTIONS);
  if (portOption !== undefined && protocol !== undefined && !PORT_PROTOCOLS.includes(protocol)) {
    throw values.fault(portOption, 'is about ports, which the protocol of -p does not have', 'tcp, udp, udplite, sctp');
  }
  const matchOption = values.firstOf(['match-sport', 'match-dport']);
  if (matchOption !== undefined && protocol === undefined) {
    throw values.fault(matchOption, 'needs a protocol', 'together with -p tcp, udp, udplite or sctp');
  }
  const [inputDevice, outputDevice] = [values.get('in-interface'), values.get('out-interface')];
  return {
    hook,
    ...(protocol !== undefined && { protocol }),
    ...(inputDevice !== undefined && { inputDevice }),
    ...(outputDevice !== undefined && { outputDevice }),
    source: side(values, 'source', 'match-sport', 'src-pfx', 'sport'),
    destination: side(values, 'destination', 'match-dport', 'dst-pfx', 'dport'),
    everyPacket: values.get('every-packet') === true,
  };
}

function side(
  values: RandmapValues,
  match: 'source' | 'destination',
  matchPorts: 'match-sport' | 'match-dport',
  prefix: 'src-pfx' | 'dst-pfx',
  ports: 'sport' | 'dport',
): SideSpec {
  const given = {
    match: values.get(match),
    matchPorts: values.get(matchPorts),
    prefix: values.get(prefix),
    ports: values.get(ports),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function refuseIdle(values: RandmapValues): void {
  if (values.firstOf(ACTION_OPTIONS) !== undefined) return;
  throw new ConfigError({
    problem: 'the rule changes nothing',
    allowed: ACTION_OPTIONS.map((name) => `--${name}`).join(', '),
  });
}

function refuseDevices(values: RandmapValues, hook: RandmapHook): void {
  if (values.get('in-interface') !== undefined && !HOOKS_WITH_INPUT.includes(hook)) {
    throw values.fault('in-interface', `is not known at ${hook}`, `with ${HOOKS_WITH_INPUT.join(', ')}`);
  }
  if (values.get('out-interface') !== undefined && !HOOKS_WITH_OUTPUT.includes(hook)) {
    throw values.fault('out-interface', `is not known at ${hook}`, `with ${HOOKS_WITH_OUTPUT.join(', ')}`);
  }
  if (values.get('every-packet') === true && values.get('out-interface') === undefined) {
    throw values.fault('every-packet', 'needs a device to set', 'together with -o DEV');
  }
}

/** All addresses are of one IP version, and the protocol belongs to it. */
function refuseFamilies(values: RandmapValues): void {
  const ranges = PREFIX_OPTIONS.flatMap((name) => {
    const range = values.get(name as 'source');
    return range === undefined ? [] : [{ name, family: range.family }];
  });
  const [first] = ranges;
  const other = ranges.find(({ family }) => family !== first?.family);
  if (first !== undefined && other !== undefined) {
    throw values.fault(
      other.name,
      `is of another IP version than --${first.name}`,
      'IPv4 or IPv6, one of them in one rule',
    );
  }
  const protocol = values.get('protocol');
  const wanted = protocol === IPPROTO_ICMP ? 'ip' : protocol === IPPROTO_ICMPV6 ? 'ip6' : undefined;
  if (first !== undefined && wanted !== undefined && first.family !== wanted) {
    throw values.fault('protocol', `is of another IP version than --${first.name}`, 'icmp with IPv4, icmpv6 with IPv6');
  }
}

function parseId(words: readonly string[]): number {
  const [text, ...rest] = words;
  refuseRest(rest);
  const id = /^[1-9][0-9]{0,9}$/.test(text ?? '') ? Number(text) : Infinity;
  if (id <= ID_MAX) return id;
  throw new ConfigError({
    ...(text !== undefined && { value: quoteValue(text) }),
    problem: text === undefined ? 'the number of the rule is missing' : 'is not the number of a rule',
    allowed: 'a number that `randmap show` lists',
  });
}

function refuseRest([word]: readonly string[]): void {
  if (word === undefined) return;
  throw new ConfigError({ value: quoteValue(word), problem: 'is not expected here', allowed: 'nothing more' });
}
