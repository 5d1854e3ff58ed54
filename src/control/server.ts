/** The daemon's end of the control socket. */
import { lstat, rmdir, unlink } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { makeFolder } from '../sys/make-folder.js';
import { serveConnection, USUAL_LIMITS, type Commands, type ConnectionLimits } from './connection.js';
import { CONNECTIONS_MAX, SOCKET_MODE } from './constants.js';

const ALL_BITS = 0o777;
/** Room for a path in struct sockaddr_un (linux/un.h), less the closing NUL. Node would cut it off. */
const PATH_MAX_BYTES = 107;

/** The socket can't be had; the message says why, and is read after its path. */
export class ControlSocketError extends Error {
  override readonly name = 'ControlSocketError';
}

export class ControlServer {
  readonly path: string;
  private readonly server: Server;
  private readonly open: Set<Socket>;
  private readonly madeFolder: boolean;

  private constructor(path: string, server: Server, open: Set<Socket>, madeFolder: boolean) {
    this.path = path;
    this.server = server;
    this.open = open;
    this.madeFolder = madeFolder;
  }

  /**
   * Makes the socket, and its folder where there is none. One that a killed daemon left is taken over; one that is served
   * is not. Not to be called by two daemons at a time for one path. Rejects with ControlSocketError, or with what the
   * system says.
   */
  static async open(path: string, commands: Commands, limits: ConnectionLimits = USUAL_LIMITS): Promise<ControlServer> {
    if (Buffer.byteLength(path) > PATH_MAX_BYTES) {
      throw new ControlSocketError(`is longer than ${PATH_MAX_BYTES} bytes`);
    }
    const madeFolder = await makeFolder(dirname(path), 0o755);
    await clearWay(path);
    const open = new Set<Socket>();
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      serveConnection(socket, commands, limits);
    });
    // More are accepted and closed at once.
    server.maxConnections = CONNECTIONS_MAX;
    await listen(server, path);
    return new ControlServer(path, server, open, madeFolder);
  }

  /** The socket goes, and the connections with it. */
  async close(): Promise<void> {
    for (const socket of this.open) socket.destroy();
    await new Promise<void>((resolve) => {
      this.server.close(() => {
        resolve();
      });
    });
    // Somebody may have put something there since.
    if (this.madeFolder) await rmdir(dirname(this.path)).catch(() => undefined);
  }
}

async function listen(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // The socket is made inside `listen`, with this mode from the start on.
    const before = process.umask(ALL_BITS & ~SOCKET_MODE);
    try {
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
  // A connection that can't be accepted (no descriptors left) is the client's loss alone.
  server.on('error', () => undefined);
}

async function clearWay(path: string): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return;
  if (!found.isSocket()) throw new ControlSocketError('is there already, and no socket');
  if (await isServed(path)) throw new ControlSocketError('is served by another daemon');
  await unlink(path);
}

/** Whether somebody listens. One that is too busy to take another connection does. */
async function isServed(path: string): Promise<boolean> {
  return await new Promise<boolean>((resolve) => {
    const probe = createConnection(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error) => {
      resolve(codeOf(error) !== 'ECONNREFUSED');
    });
  });
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error ? String(error.code) : undefined;
