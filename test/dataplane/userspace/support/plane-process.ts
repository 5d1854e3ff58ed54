/**
 * One side of a tunnel without authentication, as a process to be started in a namespace: the plane alone, bound to the
 * other side from the start, with what it must not use. Stops, and says what it refused, with SIGTERM.
 */
import { createLogger } from '../../../../src/log/index.js';
import type { UserspacePlaneSettings } from '../../../../src/dataplane/userspace/settings.js';
import { UserspacePlane } from '../../../../src/dataplane/userspace/userspace-plane.js';
import type { Endpoint } from '../../../../src/core/endpoint.js';

export interface PlaneOrder {
  readonly settings: UserspacePlaneSettings;
  readonly peer: Endpoint;
}

const { settings, peer } = JSON.parse(process.argv[2] ?? '') as PlaneOrder;
const log = createLogger({ verbosity: 3, showTime: false, showPid: false });
const refused: [reason: string, count: number][] = [];
const plane = new UserspacePlane(
  settings,
  {
    onAuthPacket: () => undefined,
    onOuterAddress: () => undefined,
    onRefused: (reason, count) => {
      refused.push([reason, count]);
    },
  },
  log,
);
await plane.start();
await plane.point(settings.tunnel.peer, peer);
console.log('carrying');
process.once('SIGTERM', () => {
  void plane.stop().then(() => {
    console.log(`refused ${JSON.stringify(refused)}`);
  });
});
