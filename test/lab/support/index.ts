/**
 * What lab tests are written with: namespaces as hosts, cables and a NAT router between them, processes and packets in
 * them, and a scope that undoes it all.
 *
 *     describe('a tunnel', () => {
 *       const scope = suiteScope();
 *       let net: NatTopology;
 *       before(async () => {
 *         net = await natTopology(scope);
 *       });
 *
 *       it('answers a ping through NAT', async () => {
 *         const server = startDaemon(scope, net.server, ['server', …]);
 *         await server.waitForLog(/ready/);
 *         const { lost } = await startPing(scope, net.client, '172.28.0.1', { count: 20, intervalMs: 50 }).done();
 *         assert.deepEqual(lost, []);
 *       });
 *     });
 */
export { Capture, startCapture } from './capture.js';
export { ipipou, startDaemon } from './daemon.js';
export { CommandFailed, exec } from './exec.js';
export type { ExecOptions, ExecResult } from './exec.js';
export { inside } from './inside.js';
export { Namespace, namespace, veth } from './namespace.js';
export type { VethEnd } from './namespace.js';
export { endpoint, udpPacket } from './packet.js';
export type { UdpPacket } from './packet.js';
export { answersPing, barrier, judgePings, Pinging, startPing } from './ping.js';
export type { PingOptions, PingResult } from './ping.js';
export { Running, start } from './running.js';
export type { Exit } from './running.js';
export { Scope, suiteScope } from './scope.js';
export { QuietSocket, quietSocket, rawSender, RawSender, udpSocket } from './sockets.js';
export { makeNatRouter, natTopology, pairTopology } from './topology.js';
export type { NatTopology } from './topology.js';
export { waitUntil } from './wait.js';
