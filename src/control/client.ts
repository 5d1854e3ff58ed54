/** The other end of the control socket: one request, one reply. */
import { createConnection } from 'node:net';
import { REPLY_MAX_BYTES, REPLY_TIMEOUT_MS } from './constants.js';
import { LineBuffer } from './line-buffer.js';
import { decodeReply, encodeRequest, type Fields, type Reply } from './protocol.js';

/** Why there is no reply. */
export type ControlFault =
  /** No socket, or nobody behind it. */
  | 'absent'
  /** Not for this user. */
  | 'denied'
  /** It ended without an answer, as it does where too many ask. */
  | 'closed'
  | 'timeout'
  /** What came is no reply. */
  | 'malformed';

export type Asked =
  { readonly kind: 'reply'; readonly reply: Reply } | { readonly kind: 'fault'; readonly fault: ControlFault };

/** Never rejects. */
export async function ask(
  path: string,
  command: string,
  fields: Fields = {},
  timeoutMs = REPLY_TIMEOUT_MS,
): Promise<Asked> {
  return await new Promise<Asked>((resolve) => {
    const socket = createConnection(path);
    const lines = new LineBuffer(REPLY_MAX_BYTES);
    const end = (asked: Asked): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(asked);
    };
    const fail = (fault: ControlFault): void => {
      end({ kind: 'fault', fault });
    };
    const timer = setTimeout(() => {
      fail('timeout');
    }, timeoutMs);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      fail(FAULTS[error.code ?? ''] ?? 'closed');
    });
    socket.on('close', () => {
      fail('closed');
    });
    socket.on('data', (chunk: Buffer) => {
      lines.push(chunk);
      const next = lines.next(false);
      if (next.kind === 'none') return;
      const reply = next.kind === 'line' ? decodeReply(next.text) : undefined;
      if (reply === undefined) fail('malformed');
      else end({ kind: 'reply', reply });
    });
    socket.write(encodeRequest(command, fields));
  });
}

const FAULTS: Readonly<Record<string, ControlFault>> = {
  ENOENT: 'absent',
  ENOTDIR: 'absent',
  ENOTSOCK: 'absent',
  ECONNREFUSED: 'absent',
  EACCES: 'denied',
  EPERM: 'denied',
};
