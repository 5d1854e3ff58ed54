// A table, one row per option of `randmap add`, read by its parser, by its help and by the manual.
import { parsePrefix, PREFIX_FORMS, type AddressRange } from '../egress/address-range.js';
import type { PortRange } from '../egress/policy.js';
import { parsePortRange, PORT_RANGE_FORMS } from '../egress/port-range.js';
import { IPPROTO_DCCP } from '../egress/nftables/matches.js';
import { PROTOCOLS } from '../egress/randmap/spec.js';
import { accept, deviceName, flag, refuse, type ValueType } from './types.js';

export interface RandmapOption<T> {
  readonly short?: string;
  readonly metavar?: string;
  readonly type: ValueType<T>;
  /** One line for the help text: lower case, no full stop. */
  readonly help: string;
}

const option = <T>(row: RandmapOption<T>): RandmapOption<T> => row;

const prefix: ValueType<AddressRange> = { kind: 'form', allowed: PREFIX_FORMS, parse: parsePrefix };
const ports: ValueType<PortRange> = { kind: 'form', allowed: PORT_RANGE_FORMS, parse: parsePortRange };

const protocol: ValueType<number> = {
  kind: 'form',
  allowed: `${[...PROTOCOLS.keys()].join(', ')}, or a number from 1 to 255`,
  parse(text) {
    const number = PROTOCOLS.get(text.toLowerCase()) ?? (/^[1-9][0-9]{0,2}$/.test(text) ? Number(text) : undefined);
    if (number === undefined || number > 255) return refuse('is not a protocol');
    if (number === IPPROTO_DCCP) return refuse('is DCCP, whose checksum the kernel cannot keep right');
    return accept(number);
  },
};

/** By long name, in the order of the help text. */
export const RANDMAP_OPTIONS = {
  source: option({ short: 's', metavar: 'CIDR', type: prefix, help: 'only packets with such a source address' }),
  destination: option({
    short: 'd',
    metavar: 'CIDR',
    type: prefix,
    help: 'only packets with such a destination address',
  }),
  protocol: option({ short: 'p', metavar: 'PROTO', type: protocol, help: 'only packets of this protocol' }),
  'match-sport': option({ metavar: 'LO:HI', type: ports, help: 'only packets with such a source port' }),
  'match-dport': option({ metavar: 'LO:HI', type: ports, help: 'only packets with such a destination port' }),
  'in-interface': option({ short: 'i', metavar: 'DEV', type: deviceName, help: 'only packets that came in by DEV' }),
  'out-interface': option({ short: 'o', metavar: 'DEV', type: deviceName, help: 'only packets that leave by DEV' }),
  'src-pfx': option({
    metavar: 'PREFIX',
    type: prefix,
    help: 'source address := a random one of the prefix, for each packet',
  }),
  'dst-pfx': option({ metavar: 'PREFIX', type: prefix, help: 'the same for the destination address' }),
  sport: option({ metavar: 'LO:HI', type: ports, help: 'source port := a random one of the range, for each packet' }),
  dport: option({ metavar: 'LO:HI', type: ports, help: 'the same for the destination port' }),
  'every-packet': option({
    type: flag,
    help: 'with -o: packets are cut to size before, or many share one draw',
  }),
} as const;

export type RandmapOptionName = keyof typeof RANDMAP_OPTIONS;
export const RANDMAP_OPTION_NAMES = Object.keys(RANDMAP_OPTIONS) as readonly RandmapOptionName[];

/** The row with its value type forgotten. */
export const randmapOption = (name: RandmapOptionName): RandmapOption<unknown> => RANDMAP_OPTIONS[name];

export type RandmapValue<N extends RandmapOptionName> = Extract<
  ReturnType<(typeof RANDMAP_OPTIONS)[N]['type']['parse']>,
  { readonly ok: true }
>['value'];
