import { lostWords, type PingLog } from '../ping-log.js';
import type { Stage } from '../stage.js';
import { restartNat } from './move.js';
import { KEEPALIVE_SECONDS } from './up.js';

const FIRST_PORT = 40_010;
const ATTEMPTS = 5;

/**
 * The router forgets the way in: what the server sends reaches nobody until the client has sent something that proves
 * its key. Done right after a keepalive, so that the next one is seconds away; a machine that was too slow for that, and
 * let no ping get lost, does it again.
 */
export async function forgetMapping(stage: Stage, pings: PingLog): Promise<void> {
  const { screen } = stage;
  const fromServer = stage.ping('server');
  await fromServer.answers(3, 0);
  screen.seen('the server reaches the client');
  const lostBefore = pings.newest;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    await stage.wait('client', /the server answered/, stage.daemon('client').mark());
    const mark = fromServer.newest;
    const heard = stage.daemon('server').mark();
    await restartNat(stage, FIRST_PORT + attempt);
    await stage.hear('server', new RegExp(`client moved from .* to \\S+:${FIRST_PORT + attempt}`), heard);
    await fromServer.answers(5, fromServer.newest);
    const lost = fromServer.lostSince(mark);
    if (lost === 0) continue;
    screen.seen(
      `the server's ping had stopped (${lostWords(lost)}) and works again: the keepalive, due every ` +
        `${KEEPALIVE_SECONDS} s, opened the way and showed it to the server`,
    );
    screen.note(`meanwhile from the client: ${lostWords(pings.lostSince(lostBefore))}`);
    await fromServer.stop();
    return;
  }
  throw new Error(`in ${ATTEMPTS} attempts the server's ping never stopped: the keepalive was always quicker`);
}
