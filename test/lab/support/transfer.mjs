// One side of a transfer by TCP, and what arrived as a hash. The bytes are the same for the same number of them.
//
//   node transfer.mjs serve ADDRESS PORT BYTES     to each that connects; says "serving" when it listens
//   node transfer.mjs fetch ADDRESS PORT           prints the SHA-256 of what comes, and its length
//   node transfer.mjs hash BYTES                   prints what the fetcher of so many bytes has to print
import { createHash } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const CHUNK = 1 << 20;
const SILENCE_MS = 30_000;

/** @param {number} total */
function* bytes(total) {
  let state = 12_345;
  for (let at = 0; at < total; at += CHUNK) {
    const chunk = Buffer.alloc(Math.min(CHUNK, total - at));
    for (let index = 0; index + 4 <= chunk.length; index += 4) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      chunk.writeInt32LE(state, index);
    }
    yield chunk;
  }
}

/** @param {AsyncIterable<Buffer> | Iterable<Buffer>} chunks */
async function digest(chunks) {
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    length += chunk.length;
  }
  return `${hash.digest('hex')} ${length}`;
}

const [role, ...rest] = process.argv.slice(2);
if (role === 'serve') {
  const [address, port, total] = rest;
  const server = createServer((socket) => {
    pipeline(Readable.from(bytes(Number(total))), socket).catch(() => undefined);
  });
  server.listen(Number(port), address, () => console.log('serving'));
} else if (role === 'fetch') {
  const [address, port] = rest;
  const socket = connect({ host: address, port: Number(port) });
  socket.setTimeout(SILENCE_MS, () => {
    socket.destroy(new Error(`nothing came for ${SILENCE_MS / 1000} s`));
  });
  console.log(await digest(socket));
} else {
  console.log(await digest(bytes(Number(rest[0]))));
}
