/**
 * Starts and stops a userspace data plane, again and again, and says what the process has then:
 *
 *     node --import tsx starts-process.ts TIMES
 */
import { readdirSync } from 'node:fs';
import { createLogger } from '../../../../src/log/index.js';
import { UserspacePlane } from '../../../../src/dataplane/userspace/userspace-plane.js';

const FIRST = 10;
const times = Number(process.argv[2]);
const log = createLogger({ verbosity: 1, showTime: false, showPid: false });
const nothing = (): undefined => undefined;

for (let start = 1; start <= times; start++) {
  const plane = new UserspacePlane(
    {
      number: 0,
      queueLength: 24,
      outer: { port: 10_000, device: 'eth' },
      schemes: [{ kind: 'ed25519' }],
      kernel: { table: 'ipipou-0', queueNumber: 0 },
      tunnel: { peer: 'peer', device: 't0', address: '172.28.0.0', peerAddress: '172.28.0.1', lifetimeSeconds: 0 },
    },
    { onAuthPacket: nothing, onOuterAddress: nothing, onRefused: nothing },
    log,
  );
  await plane.start();
  await plane.point('peer', { address: '10.9.3.2', port: 10_000 });
  await plane.stop();
  if (start !== FIRST && start !== times) continue;
  const [threads, descriptors] = ['task', 'fd'].map((folder) => readdirSync(`/proc/self/${folder}`).length);
  console.log(`after ${start} starts: ${threads ?? 0} threads, ${descriptors ?? 0} descriptors`);
}
