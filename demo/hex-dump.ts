const UDP_HEADER_BYTES = 8;

/** The UDP payload of the first packet in what `tcpdump -x` prints (an IPv4 packet, 16 bytes a line). */
export function udpPayloadOfDump(text: string): Buffer | undefined {
  const hex = [...text.matchAll(/^\s+0x[0-9a-f]{4}:((?: +[0-9a-f]{2,4})+)$/gm)].map(([, words]) => words ?? '');
  const packet = Buffer.from(hex.join('').replaceAll(' ', ''), 'hex');
  const [first] = packet;
  if (first === undefined) return undefined;
  // Header length in words of four bytes (RFC 791).
  const payload = packet.subarray((first & 0x0f) * 4 + UDP_HEADER_BYTES);
  return payload.length === 0 ? undefined : payload;
}
