import { AttributeDecoder, be64 } from '../../attributes.js';
import { decoded, faulty, type Decoded } from '../decoded.js';
import { NFTA_COUNTER_BYTES, NFTA_COUNTER_PACKETS } from './constants.js';
import { expression, type Expression } from './expression.js';

/** What a counter has seen. */
export interface Counts {
  readonly packets: bigint;
  readonly bytes: bigint;
}

/**
 * Counts the packets that come this far, from the numbers given on.
 *
 *     NFTA_COUNTER_BYTES    be64
 *     NFTA_COUNTER_PACKETS  be64
 */
export const counter = (start: Counts = { packets: 0n, bytes: 0n }): Expression =>
  expression('counter', [be64(NFTA_COUNTER_BYTES, start.bytes), be64(NFTA_COUNTER_PACKETS, start.packets)]);

/** The numbers of a listed rule's counter. */
export function decodeCounter(listed: Expression): Decoded<Counts> {
  if (listed.name !== 'counter') return faulty(`a ${listed.name} is no counter`);
  const attributes = new AttributeDecoder(listed.data);
  const packets = attributes.be64(NFTA_COUNTER_PACKETS);
  const bytes = attributes.be64(NFTA_COUNTER_BYTES);
  if (attributes.fault !== undefined) return faulty(attributes.fault);
  return packets === undefined || bytes === undefined
    ? faulty('a counter without numbers')
    : decoded({ packets, bytes });
}
