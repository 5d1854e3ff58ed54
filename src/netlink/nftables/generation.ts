import { AttributeDecoder } from '../attributes.js';
import { NFTA_GEN_ID, NFTA_GEN_PROC_NAME, NFTA_GEN_PROC_PID } from './constants.js';
import { decoded, faulty, type Decoded } from './decoded.js';

/** The number of the ruleset's present state, one higher with every transaction, and who made the last one. */
export interface Generation {
  readonly id: number;
  /** In the pid namespace of the one who asks; undefined in older kernels' messages. */
  readonly processId: number | undefined;
  readonly processName: string | undefined;
}

export function decodeGeneration(bytes: Buffer): Decoded<Generation> {
  const attributes = new AttributeDecoder(bytes);
  const id = attributes.be32(NFTA_GEN_ID);
  const processId = attributes.be32(NFTA_GEN_PROC_PID);
  const processName = attributes.text(NFTA_GEN_PROC_NAME);
  if (attributes.fault !== undefined) return faulty(attributes.fault);
  return id === undefined ? faulty('a generation without id') : decoded({ id, processId, processName });
}
