import { ipipou, start } from '../../test/lab/support/index.js';
import { CLIENT_INNER, SERVER_INNER, SERVER_OUTER, STRANGER_OUTER, type Stage } from '../stage.js';
import { POOL } from './up.js';

const DRAWS = 3;

/** The stranger is a host on the internet now, to which the client goes through the tunnel: whom does it see? */
export async function rotate(stage: Stage): Promise<void> {
  const { screen, net } = stage;
  await stage.ip('stranger', net.stranger, `route add ${POOL} via ${SERVER_OUTER}`);
  await stage.ip('client', net.client, `route add ${STRANGER_OUTER} via ${SERVER_INNER}`);
  const seen = [await sourceSeen(stage)];
  for (let draw = 0; draw < DRAWS; draw++) {
    const command = ['egress', 'rotate', stage.controlFolders.server];
    screen.typed('server', `ipipou-ts ${command.join(' ')}`);
    await net.server.exec(ipipou(command));
    seen.push(await sourceSeen(stage));
  }
  if (seen.includes(CLIENT_INNER)) throw new Error(`the stranger saw the inner address ${CLIENT_INNER}`);
  if (new Set(seen).size === 1) throw new Error(`the stranger saw ${seen[0] ?? 'nobody'} every time`);
  screen.seen(`the stranger was pinged, and answered, by ${seen.join(', ')}: never by ${CLIENT_INNER}`);
}

/** The address from which a ping of the client's reaches the stranger, who answers it. */
async function sourceSeen(stage: Stage): Promise<string> {
  const { net, scope, screen } = stage;
  const tcpdump = start(scope, net.stranger, [
    'tcpdump',
    '-i',
    'wan',
    '-n',
    '-l',
    '-c',
    '1',
    'icmp[icmptype] = icmp-echo',
  ]);
  await tcpdump.waitForLog(/listening on/);
  screen.typed('client', `ping -c 2 -i 0.2 ${STRANGER_OUTER}`);
  await net.client.exec(['ping', '-c', '2', '-i', '0.2', '-W', '10', STRANGER_OUTER]);
  await tcpdump.exit;
  const [, source] = /IP (\S+) > /.exec(tcpdump.log) ?? [];
  if (source === undefined) throw new Error(`tcpdump saw no ping: ${tcpdump.log}`);
  return source;
}
