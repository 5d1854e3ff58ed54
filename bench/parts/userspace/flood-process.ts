/**
 * Sends inner packets from endpoints that nobody is bound to, at a steady rate, until it is killed:
 *
 *     node flood-process.js ADDRESS:PORT PACKETS_PER_SECOND
 *
 * Started in the namespace that it is to come from.
 */
import { Scope } from '../../../test/lab/support/index.js';
import { Namespace } from '../../../test/lab/support/namespace.js';
import { rawSender } from '../../../test/lab/support/sockets.js';
import { innerPing } from '../../../test/lab/support/tunnel.js';

const TICK_MS = 2;
const SOURCES = 10_000;

const [to = '', rate = ''] = process.argv.slice(2);
const sender = rawSender(new Scope(), new Namespace('here', '/proc/self/ns/net'));
const payload = innerPing('172.28.0.0', '172.28.0.1', 1, 1);
const started = performance.now();
let sent = 0;

console.log('flooding');
setInterval(() => {
  const due = ((performance.now() - started) * Number(rate)) / 1000;
  for (; sent < due; sent += 1) sender.udp({ from: `10.9.3.77:${1024 + (sent % SOURCES)}`, to, payload });
}, TICK_MS);
