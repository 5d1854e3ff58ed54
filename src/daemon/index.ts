/**
 * The running program: the decisions of `core/` joined to a data plane, the clocks, the signals and the state file.
 *
 *     const exitCode = await runServer(config, log);
 */
export { runClient } from './client.js';
export { runReauth } from './reauth.js';
export { runServer } from './server.js';
