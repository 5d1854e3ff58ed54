/**
 * What carries inner packets, as the rest of the program sees it. The decisions (who is bound where) are made in
 * `core/`; a data plane makes them true, lets nothing else in, and hands over the auth packets it catches.
 *
 *     const plane = new KernelPlane(settings, handlers);
 *     const adopted = await plane.start();        // what an earlier run left bound stays bound
 *     await plane.point('ipipou0', { address: '203.0.113.7', port: 40001 });
 *     await plane.stop();                         // removes what is ours
 */
import type { Endpoint } from '../core/endpoint.js';

/** A network of either IP version, by its first address. */
export interface InnerNetwork {
  readonly address: string;
  readonly prefixLength: number;
}

/** One peer's tunnel, as it looks from inside. */
export interface TunnelSettings {
  /** How `core/` and the log name the peer. */
  readonly peer: string;
  /** Name of the tunnel device. */
  readonly device: string;
  /** Our inner address and the peer's, dotted. */
  readonly address: string;
  readonly peerAddress: string;
  /** The same of IPv6, as RFC 5952 spells it; absent: the tunnel carries IPv4 alone. */
  readonly inner6?: { readonly address: string; readonly peerAddress: string };
  /** What lies behind the peer: is routed into the tunnel, and may come out of it. IPv6 only with `inner6`. */
  readonly routes?: readonly InnerNetwork[];
  /** How long an endpoint is let through after it was last pointed to or refreshed; 0 is for ever. */
  readonly lifetimeSeconds: number;
  /** Fill in the UDP checksum of what is sent; absent: no. */
  readonly udpChecksum?: boolean;
  /** Of the device; absent: what the way to the peer leaves room for, and followed. */
  readonly mtu?: number;
  /** Waited for before the device comes up, whenever it does. */
  readonly beforeUp?: () => Promise<void>;
}

/** A peer that an earlier run left bound. */
export interface AdoptedPeer {
  readonly peer: string;
  readonly endpoint: Endpoint;
  /** What is left of its lifetime; absent where it has no limit. */
  readonly remainingMs?: number;
}

/** An auth packet as it was caught: a UDP payload and who sent it. */
export interface AuthPacket {
  readonly from: Endpoint;
  readonly payload: Buffer;
}

export interface DataPlaneHandlers {
  onAuthPacket(packet: AuthPacket): void;
  /** So many packets more were refused before anything could be decided about them; the rest is handed over. */
  onRefused(reason: string, count: number): void;
  /** Packets leave from another outer address now, or by another device or gateway. */
  onOuterAddress(address: string): void;
  /** Waited for before a tunnel's device comes up, whenever it does. */
  beforeUp?: () => Promise<void>;
}

export interface DataPlane {
  /** Takes over what an earlier run left, makes the rest, and begins to catch auth packets. */
  start(): Promise<readonly AdoptedPeer[]>;
  /**
   * The peer is at `endpoint` from now on, and at none other. Resolves when its packets pass both ways. Where several
   * calls for one peer wait, only the last is carried out and all of them resolve with it.
   */
  point(peer: string, endpoint: Endpoint): Promise<void>;
  /** The peer proved again that it is where it is: its lifetime begins anew. */
  refresh(peer: string, endpoint: Endpoint): Promise<void>;
  /** Sends an auth packet from the tunnel's own port; throws where the system refuses it. */
  sendAuth(to: Endpoint, payload: Buffer): void;
  /** How many packets were dropped since the start without anybody deciding about them, by reason. */
  dropped(): Promise<ReadonlyMap<string, number>>;
  /** Removes what is ours and only that. What was dropped without us is told as refused on the way. */
  stop(): Promise<void>;
}
