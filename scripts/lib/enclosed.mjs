// A command with processes, mounts and namespaces of its own, all of which the kernel takes away when it ends or we do,
// whatever it is that ends us.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { constants } from 'node:os';
import { clearInterval, setInterval } from 'node:timers';
import { collect, withSbin } from './run.mjs';

/** Namespaces of processes and mounts; the first process in there takes the others with it, and unshare takes that one. */
const UNSHARE = ['unshare', '--mount', '--pid', '--fork', '--kill-child=SIGKILL', '--mount-proc'];

/** Named network namespaces are mounts in /run, and what is temporary goes there too. */
const OWN_RUN = `
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/netns /run/tmp
export TMPDIR=/run/tmp
exec "$@"`;

/** @type {readonly NodeJS.Signals[]} */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];
/** Until its first process has got ready for signals they don't count for it. */
const AGAIN_MS = 200;

/** Runs a script in such an enclosure, with a network of its own. @param {string} script */
export const tryEnclosed = (script) => collect('unshare', [...UNSHARE.slice(1), '--net', 'sh', '-ec', script]);

/**
 * Runs the command with our standard streams. Signals that would end us are handed on.
 * @param {readonly string[]} command
 * @returns {Promise<number>} its exit code
 */
export async function runEnclosed(command) {
  // Of its own session, so that Ctrl-C comes by us, and only once. It ends with us, also by SIGKILL.
  const [program = '', ...args] = [
    'setpriv',
    '--pdeathsig',
    'KILL',
    ...UNSHARE,
    'sh',
    '-ec',
    OWN_RUN,
    'sh',
    ...command,
  ];
  const child = spawn(program, args, { stdio: 'inherit', env: withSbin(), detached: true });
  /** @type {NodeJS.Timeout | undefined} */
  let again;
  const handOn = (/** @type {NodeJS.Signals} */ signal) => {
    clearInterval(again);
    again = setInterval(() => {
      signalInside(child.pid, signal);
    }, AGAIN_MS);
    signalInside(child.pid, signal);
  };
  for (const signal of SIGNALS) process.on(signal, handOn);
  try {
    const [code, signal] = /** @type {[number | null, NodeJS.Signals | null]} */ (await once(child, 'close'));
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } finally {
    clearInterval(again);
    for (const signal of SIGNALS) process.off(signal, handOn);
  }
}

/** @param {number | undefined} pid of unshare @param {NodeJS.Signals} signal */
function signalInside(pid, signal) {
  try {
    const [inside] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
    if (inside !== undefined && inside !== '') process.kill(Number(inside), signal);
  } catch {
    // It has ended by itself.
  }
}
