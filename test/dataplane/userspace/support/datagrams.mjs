// Datagrams over IPv6 that are sent back.
//
//   node datagrams.mjs echo ADDRESS PORT            sends each back; says "serving" when it listens
//   node datagrams.mjs ask ADDRESS PORT BYTES…      prints how many bytes of each came back unchanged
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const PATIENCE_MS = 10_000;

const [role, address, port, ...lengths] = process.argv.slice(2);
const socket = createSocket('udp6');
if (role === 'echo') {
  socket.on('message', (message, from) => socket.send(message, from.port, from.address));
  socket.bind(Number(port), address, () => console.log('serving'));
} else {
  const back = [];
  for (const length of lengths.map(Number)) {
    const sent = Buffer.from(Array.from({ length }, (_, index) => (index * 37 + length) & 0xff));
    const answer = once(socket, 'message', { signal: globalThis.AbortSignal.timeout(PATIENCE_MS) });
    socket.send(sent, Number(port), address);
    const [message] = await answer;
    back.push(sent.equals(message) ? length : -1);
  }
  console.log(back.join(' '));
  socket.close();
}
