/**
 * One client of the control socket. Its requests are carried out one after the other, and no more is read while one is
 * under way or its reply is not taken: what a client can make us hold is one chunk of input and one reply.
 */
import type { Socket } from 'node:net';
import { IDLE_MS, REQUEST_MAX_BYTES } from './constants.js';
import { LineBuffer } from './line-buffer.js';
import { ControlError, decodeRequest, encodeReply, type Fields, type Reply } from './protocol.js';

/** Does what the request says. What it throws is the reply: ControlError with its code, anything else as `failed`. */
export type Command = (fields: Fields) => unknown;
export type Commands = Readonly<Record<string, Command>>;

export interface ConnectionLimits {
  readonly requestMaxBytes: number;
  readonly idleMs: number;
}

export const USUAL_LIMITS: ConnectionLimits = { requestMaxBytes: REQUEST_MAX_BYTES, idleMs: IDLE_MS };

/** Serves the client until it, or the limits, end that. */
export function serveConnection(socket: Socket, commands: Commands, limits: ConnectionLimits = USUAL_LIMITS): void {
  const lines = new LineBuffer(limits.requestMaxBytes);
  let tail = Promise.resolve();
  const take = (atEnd: boolean): void => {
    tail = tail.then(async () => {
      const goesOn = await answerAll(socket, lines, commands, atEnd);
      if (!goesOn || atEnd) socket.destroySoon();
      else socket.resume();
    });
  };
  // A client that goes away in the middle is nothing to speak of.
  socket.on('error', () => undefined);
  socket.setTimeout(limits.idleMs, () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    socket.pause();
    lines.push(chunk);
    take(false);
  });
  socket.on('end', () => {
    take(true);
  });
}

/** Whether the connection goes on. */
async function answerAll(socket: Socket, lines: LineBuffer, commands: Commands, atEnd: boolean): Promise<boolean> {
  for (;;) {
    const next = lines.next(atEnd);
    if (next.kind === 'none') return true;
    if (next.kind === 'too-long') {
      const message = `a request has ${lines.maxBytes} bytes at most`;
      await send(socket, encodeReply(undefined, { ok: false, code: 'too-long', message }));
      return false;
    }
    if (next.text.trim() === '') continue;
    await send(socket, await answer(next.text, commands));
    if (socket.destroyed) return false;
  }
}

async function answer(line: string, commands: Commands): Promise<string> {
  const decoded = decodeRequest(line);
  if (!decoded.ok) {
    const { id, code, message } = decoded;
    return encodeReply(id, { ok: false, code, message });
  }
  const { command, id, fields } = decoded.request;
  return encodeReply(id, await carryOut(Object.hasOwn(commands, command) ? commands[command] : undefined, fields));
}

async function carryOut(command: Command | undefined, fields: Fields): Promise<Reply> {
  if (command === undefined) {
    return { ok: false, code: 'unknown-command', message: 'this daemon does not know the command' };
  }
  try {
    return { ok: true, result: await command(fields) };
  } catch (error) {
    const code = error instanceof ControlError ? error.code : 'failed';
    return { ok: false, code, message: error instanceof Error ? error.message : String(error) };
  }
}

/** Resolves when the client has taken the reply, or the connection is gone. */
async function send(socket: Socket, text: string): Promise<void> {
  await new Promise<void>((resolve) => {
    if (socket.destroyed) {
      resolve();
      return;
    }
    socket.once('close', resolve);
    socket.write(text, () => {
      socket.off('close', resolve);
      resolve();
    });
  });
}
