// Child processes for scripts: streamed to the terminal, or collected.
import { spawn, spawnSync } from 'node:child_process';

/**
 * Our environment, with administrators' tools, which Debian keeps out of a plain user's PATH.
 * @returns {NodeJS.ProcessEnv & { PATH: string }}
 */
export const withSbin = () => ({ ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin` });

/**
 * Runs a command whose output goes where ours goes. It leads a process group of its own, with which all that it started
 * ends: after `limitMs`, and whenever we end. With `onOutput` the output goes there.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, limitMs?: number, onOutput?: (chunk: Buffer) => void }} [options]
 * @returns {Promise<boolean>} whether it exited with 0, in time
 */
export function stream(command, args, { limitMs, onOutput, ...options } = {}) {
  return new Promise((resolve) => {
    const out = onOutput === undefined ? 'inherit' : 'pipe';
    const child = spawn(command, args, {
      stdio: ['ignore', out, out],
      env: withSbin(),
      detached: true,
      ...options,
    });
    for (const pipe of [child.stdout, child.stderr]) if (onOutput !== undefined) pipe?.on('data', onOutput);
    const stop = (/** @type {NodeJS.Signals} */ signal) => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, signal);
      } catch {
        // It has ended by itself.
      }
    };
    const onExit = () => {
      stop('SIGKILL');
    };
    const onSignal = (/** @type {NodeJS.Signals} */ signal) => {
      stop(signal);
      process.exit(signal === 'SIGINT' ? 130 : 143);
    };
    process.on('exit', onExit).on('SIGINT', onSignal).on('SIGTERM', onSignal);
    const timer =
      limitMs === undefined
        ? undefined
        : setTimeout(() => {
            console.error(`${command}: not done after ${limitMs / 1000} s, stopped`);
            stop('SIGKILL');
          }, limitMs);
    const done = (/** @type {boolean} */ passed) => {
      clearTimeout(timer);
      process.off('exit', onExit).off('SIGINT', onSignal).off('SIGTERM', onSignal);
      resolve(passed);
    };
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`);
      done(false);
    });
    child.on('close', (code) => {
      done(code === 0);
    });
  });
}

/**
 * Runs a command that says nothing unless it fails.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {{ ok: boolean, output: string, complaint: string }} `complaint`: the last lines it wrote to stderr
 */
export function collect(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', env: withSbin(), maxBuffer: 1 << 28, ...options });
  const complaint = result.error?.message ?? result.stderr.trim().split('\n').slice(-3).join('; ');
  return { ok: result.status === 0, output: result.stdout ?? '', complaint };
}
