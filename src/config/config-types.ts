import type { KeyPair, ClientScheme, ServerScheme } from '../auth/index.js';
import type { Network } from './network-type.js';
import type { EgressConfig } from './resolve-egress.js';
import type { LoggerOptions } from '../log/index.js';

/** `auto`: the kernel where it can, else userspace. */
export type DataPlaneChoice = 'auto' | 'kernel' | 'userspace';

/** Both ends' addresses in the tunnel, in the spelling of RFC 5952. */
export interface InnerIpv6 {
  readonly address: string;
  readonly peerAddress: string;
}

/** Addresses are dotted quads unless said otherwise. What is undefined is found out or learned at run time. */
export interface TunnelConfig {
  readonly number: number;
  readonly queueNumber: number;
  /** Packets. */
  readonly queueLength: number;
  readonly fouLocalIp: string | undefined;
  readonly fouLocalPort: number;
  readonly fouDev: string | undefined;
  /** Where the search for a free internal outer address begins. */
  readonly fouLocalIpAlt: string;
  /** Whether tunnel packets carry a UDP checksum. */
  readonly udpChecksum: boolean;
  /** Undefined: the system's default. */
  readonly authPacketTtl: number | undefined;
  readonly tunlDev: string;
  /** Bytes; undefined: follows the outer device. */
  readonly tunlMtu: number | undefined;
  readonly tunlIp: string;
  readonly tunlPeerIp: string;
  /** Undefined: no IPv6 in the tunnel. */
  readonly inner6: InnerIpv6 | undefined;
  /** What lies behind the peer. */
  readonly routes: readonly Network[];
  readonly dataPlane: DataPlaneChoice;
  readonly nftTable: string;
  readonly nftCounters: boolean;
  readonly stateDir: string;
  /** Of the control socket. */
  readonly controlDir: string;
  readonly log: LoggerOptions;
}

export interface ServerConfig extends TunnelConfig {
  readonly mode: 'server';
  readonly auth: ServerScheme;
  /** Where the peer is taken to be until it authenticates; an address or a name. */
  readonly remoteHost: string | undefined;
  readonly remotePort: number | undefined;
  /** Set only where `remoteHost` is. */
  readonly authByRemoteIp: boolean;
  /** Set only where `remotePort` is. */
  readonly authByRemotePort: boolean;
  /** 0: not checked. */
  readonly maxTimeDiscrepancySeconds: number;
  /** 0: for ever. */
  readonly lifetimeSeconds: number;
  readonly replyOnAuthOk: boolean;
  /** undefined: what comes out of the tunnel is left to the host. */
  readonly egress: EgressConfig | undefined;
}

export interface ClientConfig extends TunnelConfig {
  readonly mode: 'client';
  /** `none` sends empty packets, for a server that goes by the source alone. */
  readonly auth: ClientScheme;
  /** An address or a name. */
  readonly remoteHost: string;
  readonly remotePort: number;
  /** 0: off. */
  readonly keepaliveSeconds: number;
  /** Where a service that runs this tunnel may keep its state, where that is not `stateDir`; they need not be there. */
  readonly serviceStateDirs: readonly string[];
}

/** A server as asked for, but with nothing that says whom to let in. */
export interface OpenServer {
  readonly config: Omit<ServerConfig, 'auth'>;
  /** The server's own key, where it was given (it alone lets nobody in). */
  readonly ownKey: KeyPair | undefined;
  /** The shared secret, where one was given. */
  readonly secret: Buffer | undefined;
}

/** What the user should know: each one line, ready to be logged. */
export interface Remarks {
  readonly warnings: readonly string[];
  readonly notes: readonly string[];
}

export type Resolution = Remarks &
  (
    | { readonly kind: 'server'; readonly config: ServerConfig }
    | { readonly kind: 'client'; readonly config: ClientConfig }
    | { readonly kind: 'no-authentication'; readonly server: OpenServer }
  );
