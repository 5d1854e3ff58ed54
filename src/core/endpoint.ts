import { isIPv4 } from 'node:net';

/** Where a peer is reached: the outer address and UDP port, as the nearest NAT shows them. */
export interface Endpoint {
  /** Four decimal numbers with dots, no leading zeros. */
  readonly address: string;
  /** 1 to 65535. */
  readonly port: number;
}

export const sameEndpoint = (a: Endpoint, b: Endpoint): boolean => a.address === b.address && a.port === b.port;

export const formatEndpoint = (endpoint: Endpoint): string => `${endpoint.address}:${endpoint.port}`;

/** Reads what `formatEndpoint` writes; undefined for anything else. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const colon = text.lastIndexOf(':');
  const [address, port] = [text.slice(0, Math.max(colon, 0)), text.slice(colon + 1)];
  if (!isIPv4(address) || !/^[1-9][0-9]{0,4}$/.test(port) || Number(port) > 0xffff) return undefined;
  return { address, port: Number(port) };
}
