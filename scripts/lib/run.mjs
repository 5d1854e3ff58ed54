// Child processes for scripts: streamed to the terminal, or collected.
import { spawn, spawnSync } from 'node:child_process';

/**
 * Our environment, with administrators' tools, which Debian keeps out of a plain user's PATH.
 * @returns {NodeJS.ProcessEnv & { PATH: string }}
 */
export const withSbin = () => ({ ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin` });

/**
 * Runs a command whose output goes where ours goes.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<boolean>} whether it exited with 0
 */
export function stream(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env: withSbin(), ...options });
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(false);
    });
    child.on('close', (code) => {
      resolve(code === 0);
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
