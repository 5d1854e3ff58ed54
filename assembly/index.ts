/**
 * The packet work of the userspace data plane: segmentation, checksums and joining, over one arena that the system calls
 * of the loop around it read and write. It is handed in as memory and never grows.
 */
export * from './layout';
export { sum, fold } from './checksum';
export { setRanges, isAllowed } from './sources';
export { setPrefixes, isAllowedIpv6 } from './prefixes';
export { txSetUp, txSetPeer, txBegin, txAt, txPacket, txEnd } from './transmit';
export {
  ASK,
  DONE,
  WRITE,
  askAddress,
  askAt,
  askBytes,
  askIsBound,
  askPort,
  rxAnswer,
  rxAskAll,
  rxAskLength,
  rxPrepare,
  rxRun,
  rxSetBound,
  rxSetMtu,
  rxSetUp,
  rxStart,
  writeIovecCount,
  writeIovecs,
} from './receive';
