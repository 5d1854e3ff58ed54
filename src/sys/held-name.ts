/**
 * Names that one process of a network namespace holds at a time: abstract addresses of unix sockets (unix(7)). Such a name
 * needs no file and no right, and is free again when its process has ended, however it did. Nothing is ever read or
 * accepted there.
 *
 *     const name = HeldName.take('ipipou-ts/tunnel/0');      // throws NameTakenError
 *     name.release();
 */
import { closeSync } from 'node:fs';
import { SystemError } from './errors.js';
import { checked, libc } from './libc.js';
import { unixAddress } from './notify.js';
import { abstractNameOwners, ownerOf, type Owner } from './socket-owner.js';
import { SOL_SOCKET } from './socket-options.js';

/** bits/socket.h, asm-generic/socket.h */
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const SO_PEERCRED = 17;

/** struct ucred { s32 pid; u32 uid; u32 gid; } */
const UCRED_BYTES = 12;

/** Whoever asks who the holder is leaves a connection that nobody accepts; so many are kept. */
const BACKLOG = 8;

export class NameTakenError extends Error {
  override readonly name = 'NameTakenError';
  readonly code = 'NAME_TAKEN';
  /** Who has it; none where that isn't ours to see. */
  readonly owners: readonly Owner[];

  constructor(name: string, owners: readonly Owner[]) {
    super(`the name @${name} is taken by another process`);
    this.owners = owners;
  }
}

export class HeldName {
  private readonly fd: number;
  private released = false;

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** In the calling thread's network namespace. Throws NameTakenError, and SystemError for what else can go wrong. */
  static take(name: string): HeldName {
    const held = new HeldName(openSocket());
    const address = addressOf(name);
    try {
      checked(`take the name @${name}`, libc().bind(held.fd, address, address.length));
      checked(`hold the name @${name}`, libc().listen(held.fd, BACKLOG));
      return held;
    } catch (error) {
      held.release();
      if (!(error instanceof SystemError) || error.code !== 'EADDRINUSE') throw error;
      throw new NameTakenError(name, holdersOf(name));
    }
  }

  release(): void {
    if (this.released) return;
    this.released = true;
    closeSync(this.fd);
  }
}

const openSocket = (): number =>
  checked('open a unix socket', libc().socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));

function addressOf(name: string): Buffer {
  const address = unixAddress(`@${name}`);
  if (address === undefined) throw new TypeError(`${name} is too long for a name`);
  return address;
}

/** The kernel tells everybody who listens at a name, and root besides who has its socket open. */
function holdersOf(name: string): Owner[] {
  const pid = listenerAt(name);
  return pid === undefined ? abstractNameOwners(name) : [ownerOf(pid)];
}

/** Undefined where nobody listens, too many have asked already, or the process is in a pid namespace that we can't see. */
function listenerAt(name: string): number | undefined {
  const fd = openSocket();
  const address = addressOf(name);
  const credentials = Buffer.alloc(UCRED_BYTES);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(UCRED_BYTES);
  try {
    checked(`ask @${name}`, libc().connect(fd, address, address.length));
    checked(`ask who has @${name}`, libc().getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length));
    const pid = credentials.readInt32LE(0);
    return pid > 0 ? pid : undefined;
  } catch (error) {
    if (error instanceof SystemError) return undefined;
    throw error;
  } finally {
    closeSync(fd);
  }
}
