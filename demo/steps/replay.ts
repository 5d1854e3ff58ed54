import { rawSender, start, type Running } from '../../test/lab/support/index.js';
import type { PingLog } from '../ping-log.js';
import { lostWords } from '../ping-log.js';
import { PORT, SERVER_OUTER, STRANGER_OUTER, type Stage } from '../stage.js';
import { udpPayloadOfDump } from '../hex-dump.js';

const STRANGER_PORT = 4444;
/** UDP length of a signed auth packet: 8 and 73 bytes. */
const AUTH_PACKETS = `udp and dst port ${PORT} and udp[4:2] = 81`;

/** Somebody on the way records an auth packet, and sends it from elsewhere to have the tunnel. */
export async function replay(stage: Stage, pings: PingLog): Promise<void> {
  const { screen, net, scope } = stage;
  const mark = pings.newest;
  const before = await stage.clientEndpoint();
  screen.typed('router', `tcpdump -i wan -x -c 1 '${AUTH_PACKETS}'`);
  const tcpdump = start(scope, net.router, ['tcpdump', '-i', 'wan', '-n', '-l', '-x', '-c', '1', AUTH_PACKETS]);
  const answered = stage.daemon('client').mark();
  const payload = await captured(tcpdump);
  await stage.wait('client', /the server answered/, answered);
  screen.seen(`an auth packet of ${payload.length} bytes is on record, and has done its work`);

  const heard = stage.daemon('server').mark();
  rawSender(scope, net.stranger).udp({
    from: `${STRANGER_OUTER}:${STRANGER_PORT}`,
    to: `${SERVER_OUTER}:${PORT}`,
    payload,
  });
  screen.note(`sent once more, by the stranger at ${STRANGER_OUTER}:${STRANGER_PORT}`);
  await stage.hear(
    'server',
    new RegExp(`refused a packet from ${STRANGER_OUTER}:${STRANGER_PORT}: (replayed|older)`),
    heard,
  );
  const after = await stage.clientEndpoint();
  if (after !== before) throw new Error(`the tunnel moved from ${before} to ${after}`);
  await pings.answers(3, mark);
  screen.seen(`refused; the tunnel still leads to ${after}, ${lostWords(pings.lostSince(mark))}`);
}

async function captured(tcpdump: Running): Promise<Buffer> {
  const { code } = await tcpdump.exit;
  const payload = udpPayloadOfDump(tcpdump.log);
  if (code !== 0 || payload === undefined) throw new Error(`tcpdump saw no auth packet: ${tcpdump.log}`);
  return payload;
}
