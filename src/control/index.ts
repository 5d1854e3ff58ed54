/**
 * The daemon's control socket: one JSON object a line, for root and the group of the service only.
 *
 *     const control = await ControlServer.open(path, { status: () => ({ mode: 'server' }) });
 *     const asked = await ask(path, 'status');
 */
export { ask, type Asked, type ControlFault } from './client.js';
export type { Command, Commands } from './connection.js';
export { SOCKET_NAME } from './constants.js';
export { findDaemons, type Found, type FoundDaemon } from './find.js';
export { ControlError, isObject, type Fields } from './protocol.js';
export { ControlServer, ControlSocketError } from './server.js';
