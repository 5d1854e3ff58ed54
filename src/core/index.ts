/**
 * The protocol, whole and pure: events and a time go in, a new state and actions come out. Nothing here opens a socket,
 * reads a clock or draws a random number.
 *
 *     const { state, actions } = stepServer(server, { kind: 'authPacket', from, payload }, now, randomBytes(RANDOM_BYTES));
 */
export { answerSchemes, classify, classifyUnbound, mistakable } from './classifier.js';
export { SIGNED_UDP_LENGTH, TOKEN_PREFIX_LENGTH, UDP_HEADER_LENGTH } from './classifier.js';
export type { Classification, ClassifierScheme } from './classifier.js';
export { createClient, stepClient } from './client.js';
export type { AnswerDropReason, ClientAction, ClientEvent, ClientSettings, ClientState, TimerName } from './client.js';
export { formatEndpoint, parseEndpoint, sameEndpoint } from './endpoint.js';
export type { Endpoint } from './endpoint.js';
export { createServer, stepServer } from './server.js';
export type { Binding, DropReason, PeerSettings, PeerState, ServerAction, ServerEvent, ServerState } from './server.js';
export { RANDOM_BYTES } from './signing.js';
export type { Now } from './time.js';
