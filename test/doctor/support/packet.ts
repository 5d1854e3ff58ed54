import type { JudgedPacket } from '../../../src/doctor/firewall/packet.js';

/** The first packet of a client that is not known yet. */
export const PACKET: JudgedPacket = {
  version: 4,
  direction: 'in',
  source: undefined,
  destination: '192.0.2.2',
  sourcePort: undefined,
  destinationPort: 10_000,
  protocol: 17,
  inDevice: { name: 'eth0', index: 4 },
  outDevice: undefined,
  state: 'new',
};
