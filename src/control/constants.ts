// --- the protocol, fixed by its version ---

/** Of requests and replies; a change that an old client would misread makes it another one. */
export const PROTOCOL_VERSION = 1;
/** Name of the socket in the daemon's folder. */
export const SOCKET_NAME = 'control.sock';

// --- our own choices ---

/** Read and write for the owner and its group, nothing for others: who may not write may not connect (unix(7)). */
export const SOCKET_MODE = 0o660;
/** Bytes of a request, its line end included. */
export const REQUEST_MAX_BYTES = 4096;
/** Bytes of a reply: room for a list of all the bans there may be, several times over. */
export const REPLY_MAX_BYTES = 1 << 20;
export const CONNECTIONS_MAX = 16;
/** A connection on which nothing moves for so long, neither in nor out, is closed. */
export const IDLE_MS = 30_000;
/** How long a client waits for a reply. */
export const REPLY_TIMEOUT_MS = 10_000;
