// --- fixed by the ipipou command line and its configuration files ---

/** Outer port of tunnel N is this plus N. */
export const PORT_BASE = 10_000;
/** 172.28.0.0: the server's inner address of tunnel N is this plus 2N, the client's one more. */
export const TUNL_IP_BASE = 0xac1c0000;
/** 172.29.0.0: the first internal outer address of tunnel N is this plus N. */
export const FOU_LOCAL_IP_ALT_BASE = 0xac1d0000;
/** A queue number up to this one also becomes the tunnel's number, where that is 0 (server only). */
export const QUEUE_SETS_NUMBER_MAX = 999;
/** Link name of tunnel N: this and N. */
export const TUNL_DEV_PREFIX = 'ipipou';
export const CONF_DIRECTORY = '/etc/ipipou';
/** Bytes: what every IPv4 path carries unfragmented (576 less headers); a longer token is warned about. */
export const TOKEN_SAFE_BYTES = 548;
/** Bytes: what fits into an Ethernet frame; a longer token is refused. */
export const TOKEN_MAX_BYTES = 1472;
/** Seconds: below this a lifetime runs out between two keepalives of any sensible client. */
export const LIFETIME_ADVISED_MIN_SECONDS = 5;

// --- kernel limits ---

/** `IFNAMSIZ` (linux/if.h) less the closing NUL. */
export const DEVICE_NAME_MAX_BYTES = 15;
/** `NFT_TABLE_MAXNAMELEN` (linux/netfilter/nf_tables.h) less the closing NUL. */
export const TABLE_NAME_MAX_BYTES = 255;
/** `PATH_MAX` (linux/limits.h) less the closing NUL. */
export const PATH_MAX_BYTES = 4095;

// --- our own choices ---

export const STATE_DIRECTORY = '/var/lib/ipipou';
/** Where systemd really keeps the folder of a unit with DynamicUser= (systemd.exec(5)); the other is a link there. */
export const PRIVATE_STATE_DIRECTORY = '/var/lib/private/ipipou';
/** Has a folder for each running daemon, with its control socket. */
export const RUNTIME_DIRECTORY = '/run/ipipou';
/** Bytes: a larger configuration file is taken for a mistake (a device, a log) and refused. */
export const CONF_FILE_MAX_BYTES = 1 << 18;
/** Bytes: a larger file with a key, a token or a secret is taken for a mistake and refused. */
export const SECRET_FILE_MAX_BYTES = 1 << 16;
/** Characters of a user's value that an error line repeats. */
export const QUOTED_VALUE_MAX = 60;

/** What every link that carries IPv6 must take (RFC 8200, section 5). */
export const IPV6_MIN_MTU = 1280;
