/** Which of the running daemons a command means. */
import { join } from 'node:path';
import { SOCKET_NAME, type ControlFault, type Found } from '../control/index.js';
import { showWord } from '../egress/show-word.js';

/** Read as a sentence; names a way out. */
export class NoDaemonError extends Error {
  override readonly name = 'NoDaemonError';
}

/** The path of its socket. A name that begins with `/` or `.` is the folder of it. Throws NoDaemonError. */
export async function chooseDaemon(name: string | undefined, find: () => Promise<Found>): Promise<string> {
  if (name !== undefined && /^(\/|\.\.?\/)/.test(name)) return join(name, SOCKET_NAME);
  const { daemons, silent } = await find();
  const names = daemons.map((one) => one.name).join(', ');
  if (name !== undefined) {
    const wanted = daemons.find((one) => one.name === name) ?? daemons.find((one) => one.device === name);
    if (wanted !== undefined) return wanted.path;
    const asked = silent.find((one) => one.name === name);
    if (asked !== undefined) throw new NoDaemonError(describeFault(name, asked.fault));
    throw new NoDaemonError(
      `no running daemon is called ${showWord(name)}: ${names === '' ? 'there is none' : `there are ${names}`}`,
    );
  }
  const [only, ...others] = daemons.length === 1 ? daemons : daemons.filter(({ hasEgress }) => hasEgress);
  if (only !== undefined && others.length === 0) return only.path;
  if (daemons.length > 0) throw new NoDaemonError(`several daemons run: name one of ${names}`);
  const [first] = silent;
  if (first !== undefined) throw new NoDaemonError(describeFault(first.name, first.fault));
  throw new NoDaemonError('no daemon runs here: start one, or name the folder of its control socket (--control-dir)');
}

/** What is to be said where a daemon gave no answer. */
export function describeFault(name: string, fault: ControlFault): string {
  switch (fault) {
    case 'absent':
      return `nobody listens at ${name}: is the daemon running?`;
    case 'denied':
      return `${name} is not for this user: ask as root, or as a member of the group of its service`;
    case 'closed':
      return `${name} ended the connection: it has too many, or is stopping; try again`;
    case 'timeout':
      return `${name} does not answer: is its process stopped?`;
    case 'malformed':
      return `${name} answers something else than this program's daemon would`;
  }
}
