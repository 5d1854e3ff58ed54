import { PORT, SERVER_OUTER, type Stage } from '../stage.js';
import { lostWords, type PingLog } from '../ping-log.js';
import type { Keys } from './keys.js';

/** Addresses for documentation (RFC 5737), which the demo's network routes to the server. */
export const POOL = '198.51.100.0/28';
const SECRET = 'between the two of us';
export const KEEPALIVE_SECONDS = 2;

export async function startServer(stage: Stage, keys: Keys): Promise<void> {
  stage.start('server', [
    ...['-s', '-vv', '-b', '@wan', '--auth-key-b64', keys.server.privateKey],
    ...['--auth-remote-pubkey-b64', keys.client.publicKey, '--auth-secret', SECRET, '--reply-on-auth-ok'],
    ...['--egress', `rotate addresses=${POOL} per=tunnel`, '--ip-forward'],
  ]);
  await stage.hear('server', /data plane: \w+/);
  await stage.hear('server', /server ready/);
  stage.screen.seen('the server waits for its client; until one has proved its key there is no tunnel');
}

export async function startClient(stage: Stage, keys: Keys): Promise<void> {
  stage.start('client', [
    ...['-c', '-vv', '-r', `${SERVER_OUTER}:${PORT}`, '--auth-key-b64', keys.client.privateKey],
    ...['--auth-remote-pubkey-b64', keys.server.publicKey, '--auth-secret', SECRET],
    ...['--keepalive', String(KEEPALIVE_SECONDS)],
  ]);
  await stage.hear('client', /client ready/);
  stage.screen.seen('the client has its end of the tunnel, and says who it is');
}

export async function authenticate(stage: Stage): Promise<void> {
  await stage.hear('server', /client authenticated from/);
  await stage.hear('client', /the server answered/);
  stage.screen.seen(`the tunnel is up; the server sends to ${await stage.clientEndpoint()}, the router's outside`);
}

/** Starts the pings that go on through everything that follows. */
export async function pingThrough(stage: Stage): Promise<PingLog> {
  const pings = stage.ping('client');
  await pings.answers(5, 0);
  stage.screen.seen(`answered, ${lostWords(pings.lostSince(0))}; this ping goes on through all that follows`);
  return pings;
}
