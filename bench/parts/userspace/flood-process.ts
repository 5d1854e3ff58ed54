/**
 * Sends packets from endpoints that nobody is bound to, at a steady rate, until it is killed:
 *
 *     node flood-process.js ADDRESS:PORT PACKETS_PER_SECOND inner|signed
 *
 * `inner` are inner packets, `signed` have the length of signed auth packets, and begin like no inner packet.
 *
 * Started in the namespace that it is to come from.
 */
import { SIGNED_PACKET_LENGTH } from '../../../src/auth/index.js';
import { Scope } from '../../../test/lab/support/index.js';
import { Namespace } from '../../../test/lab/support/namespace.js';
import { rawSender } from '../../../test/lab/support/sockets.js';
import { innerPing } from '../../../test/lab/support/tunnel.js';

const TICK_MS = 2;
const SOURCES = 10_000;

const [to = '', rate = '', kind = ''] = process.argv.slice(2);
const sender = rawSender(new Scope(), new Namespace('here', '/proc/self/ns/net'));
const payload =
  kind === 'signed' ? Buffer.alloc(SIGNED_PACKET_LENGTH, 0x90) : innerPing('172.28.0.0', '172.28.0.1', 1, 1);
const started = performance.now();
let sent = 0;

console.log('flooding');
setInterval(() => {
  const due = ((performance.now() - started) * Number(rate)) / 1000;
  for (; sent < due; sent += 1) sender.udp({ from: `10.9.3.77:${1024 + (sent % SOURCES)}`, to, payload });
}, TICK_MS);
