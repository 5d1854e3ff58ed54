import type { PingLog } from '../ping-log.js';
import { lostWords } from '../ping-log.js';
import type { Stage } from '../stage.js';
import { makeNatRouter } from '../../test/lab/support/index.js';

const ANSWERS_ENOUGH = 5;

/** The client's own address changes, as when a laptop joins another network. */
export async function moveClient(stage: Stage, pings: PingLog): Promise<void> {
  const { screen, net } = stage;
  const mark = pings.newest;
  const heard = { client: stage.daemon('client').mark(), server: stage.daemon('server').mark() };
  await stage.ip(
    'client',
    net.client,
    'address delete 10.9.1.2/24 dev inside',
    'address add 10.9.1.55/24 dev inside',
    'route add default via 10.9.1.1',
  );
  await stage.hear('client', /outer address is/, heard.client);
  await stage.hear('server', /client moved from/, heard.server);
  await pings.answers(ANSWERS_ENOUGH, mark);
  screen.seen(
    `the client noticed by itself, the server followed, the ping goes on: ${lostWords(pings.lostSince(mark))}`,
  );
}

/** The client can't see this one: only what it sends regularly tells the server. */
export async function moveRouter(stage: Stage, pings: PingLog): Promise<void> {
  const { screen, net } = stage;
  const mark = pings.newest;
  const heard = stage.daemon('server').mark();
  await stage.ip('router', net.router, 'address delete 10.9.2.1/24 dev wan', 'address add 10.9.2.99/24 dev wan');
  await restartNat(stage, 40_003);
  await stage.hear('server', /client moved from .* to 10\.9\.2\.99:40003/, heard);
  // What the server let pass before it knew better is answered to the old endpoint: count from the new one on.
  await pings.answers(ANSWERS_ENOUGH, pings.newest);
  screen.seen(`the next keepalive told the server, the ping goes on: ${lostWords(pings.lostSince(mark))}`);
}

/** As a router does that was restarted: known flows are forgotten, and UDP leaves by another port. */
export async function restartNat(stage: Stage, udpPort: number): Promise<void> {
  stage.screen.note(`the router's NAT starts anew: it has forgotten all flows, and sends UDP from port ${udpPort} now`);
  await makeNatRouter(stage.net.router, 'wan', udpPort);
}
