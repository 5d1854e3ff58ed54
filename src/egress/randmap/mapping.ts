/** What a rule of the map does to the packets that it is about. */
import { NFT_REG32_00 } from '../../netlink/nftables/constants.js';
import { notrack, type Expression } from '../../netlink/nftables/expressions/index.js';
import type { AddressFamily } from '../address.js';
import { drawPiece, drawPort } from '../nftables/draw-words.js';
import {
  addressIn,
  familyIs,
  inputDeviceIs,
  outputDeviceIs,
  portIn,
  protocolIs,
  writeAddress,
  writePort,
  type Side,
} from '../nftables/matches.js';
import { cutRange } from '../nftables/pieces.js';
import { familyOf, PORT_PROTOCOLS, type RandmapSpec } from './spec.js';

export const SIDES: readonly Side[] = ['source', 'destination'];

/** The tests of the rule, devices left out where the hook has none yet. */
export function matchesOf(
  spec: RandmapSpec,
  devices: { readonly output: boolean; readonly input: boolean },
): Expression[] {
  const family = familyOf(spec);
  const { inputDevice, outputDevice, protocol } = spec;
  return [
    ...(devices.input && inputDevice !== undefined ? inputDeviceIs(inputDevice) : []),
    ...(devices.output && outputDevice !== undefined ? outputDeviceIs(outputDevice) : []),
    ...(family === undefined ? [] : familyIs(family)),
    ...(family === undefined
      ? []
      : SIDES.flatMap((side) => {
          const { match } = spec[side];
          return match === undefined ? [] : addressIn(family, side, match);
        })),
    ...(protocol === undefined ? [] : protocolIs(protocol)),
    ...SIDES.flatMap((side) => {
      const { matchPorts } = spec[side];
      return matchPorts === undefined ? [] : portIn(side, matchPorts);
    }),
  ];
}

/**
 * Rules that run one after the other. Ports come last: a packet of a protocol without them, and a fragment that doesn't
 * begin with them, ends its rule there, and has its addresses by then.
 */
export function mappingRules(spec: RandmapSpec, isBeforeTracking: boolean): Expression[][] {
  const family = familyOf(spec);
  const addresses = family === undefined ? [] : SIDES.flatMap((side) => addressRule(spec, family, side));
  const protocols = spec.protocol === undefined ? PORT_PROTOCOLS : [spec.protocol];
  const ports = protocols.map((protocol) => {
    const writes = SIDES.flatMap((side) => {
      const { ports: range } = spec[side];
      return range === undefined ? [] : [...drawPort(range, NFT_REG32_00), writePort(protocol, side, NFT_REG32_00)];
    });
    return writes.length === 0 ? [] : [...(spec.protocol === undefined ? protocolIs(protocol) : []), ...writes];
  });
  const first = [...(isBeforeTracking ? [notrack()] : []), ...addresses];
  return [first, ...ports].filter((rule) => rule.length > 0);
}

function addressRule(spec: RandmapSpec, family: AddressFamily, side: Side): Expression[] {
  const { prefix } = spec[side];
  // A prefix is always one piece.
  const [piece] = prefix === undefined ? [] : cutRange(family, prefix);
  return piece === undefined ? [] : [...drawPiece(piece, NFT_REG32_00), writeAddress(family, side, NFT_REG32_00)];
}
