/** A packet of the tunnel, as far as it is known before it was sent. */

export interface PacketDevice {
  readonly name: string;
  /** undefined where it is not there yet. */
  readonly index: number | undefined;
}

export type IpVersion = 4 | 6;

export interface JudgedPacket {
  readonly version: IpVersion;
  /** To a program of this host, from one, or from somebody else to somebody else. */
  readonly direction: 'in' | 'out' | 'forward';
  /** As IANA numbers them; undefined where it may be any. */
  readonly protocol: number | undefined;
  /** Of its version, as `nft` takes it; undefined where it may be any. */
  readonly source: string | undefined;
  readonly destination: string | undefined;
  readonly sourcePort: number | undefined;
  readonly destinationPort: number | undefined;
  /** The devices that it comes in and leaves by; none where it begins or ends here. */
  readonly inDevice: PacketDevice | undefined;
  readonly outDevice: PacketDevice | undefined;
  /** What connection tracking calls it: the first packet of its flow, or an answer. */
  readonly state: 'new' | 'established';
}

/** One byte of a packet: its value, or in words what is not known: `the source address`. */
export type MaybeByte = { readonly value: number } | { readonly unknown: string };

export const known = (bytes: Iterable<number>): MaybeByte[] => Array.from(bytes, (value) => ({ value }));

export const unknown = (length: number, what: string): MaybeByte[] => Array.from({ length }, () => ({ unknown: what }));

/** The bytes where all of them are known. */
export function knownBytes(bytes: readonly MaybeByte[]): Buffer | undefined {
  const values = bytes.flatMap((byte) => ('value' in byte ? [byte.value] : []));
  return values.length === bytes.length ? Buffer.from(values) : undefined;
}

/** What is not known of them, for the end of a sentence. */
export const whatIsUnknown = (bytes: readonly MaybeByte[]): string =>
  bytes.flatMap((byte) => ('unknown' in byte ? [byte.unknown] : []))[0] ?? 'nothing';
