// Builds the small archive the guest starts from: busybox, the modules that reach the host's files, init.sh, the job.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { withSbin } from '../../../scripts/lib/run.mjs';
import { cpio } from './cpio.mjs';

/** Shared folder, overlay on it, console and result ports, entropy. */
const MODULES = ['virtio_pci', '9pnet_virtio', '9p', 'overlay', 'virtio_console', 'virtio_rng'];
const APPLETS = ['sh', 'mount', 'mkdir', 'cp', 'insmod', 'uname', 'switch_root'];

/** @param {string} text */
export const shellQuote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * @param {import('./kernel.mjs').LabKernel} kernel
 * @param {{ command: readonly string[], cwd: string, env: Readonly<Record<string, string>>, interactive: boolean, keep: readonly string[],
 *   prepare?: readonly string[] | undefined }} job
 * @returns {Buffer}
 */
export function buildInitramfs(kernel, job) {
  const modules = moduleFiles(kernel);
  const script = (/** @type {string} */ name) => readFileSync(new URL(name, import.meta.url));
  return cpio([
    ...['bin', 'lab', 'modules'].map((path) => ({ path, kind: /** @type {const} */ ('directory') })),
    { path: 'bin/busybox', kind: 'file', data: readFileSync(busybox()), mode: 0o755 },
    ...APPLETS.map((name) => ({ path: `bin/${name}`, kind: /** @type {const} */ ('link'), target: 'busybox' })),
    ...modules.map(({ name, data }) => ({ path: `modules/${name}`, kind: /** @type {const} */ ('file'), data })),
    { path: 'modules.list', kind: 'file', data: Buffer.from(modules.map(({ name }) => `/modules/${name}\n`).join('')) },
    { path: 'init', kind: 'file', data: script('init.sh'), mode: 0o755 },
    ...['guest.sh', 'command.sh', 'systemd.sh'].map((name) => ({
      path: `lab/${name}`,
      kind: /** @type {const} */ ('file'),
      data: script(name),
    })),
    { path: 'lab/job.sh', kind: 'file', data: Buffer.from(jobScript(job)) },
    { path: 'lab/places.sh', kind: 'file', data: Buffer.from(placesScript(kernel, job.keep)) },
  ]);
}

/** @param {Parameters<typeof buildInitramfs>[1]} job */
function jobScript({ command, cwd, env, interactive, prepare }) {
  const exports = Object.entries(env).map(([name, value]) => `  export ${name}=${shellQuote(value)}`);
  const define = (/** @type {string} */ name, /** @type {readonly string[]} */ argv) => {
    const body = [...exports, `  cd ${shellQuote(cwd)} || return`, `  exec ${argv.map(shellQuote).join(' ')}`];
    return `${name}() {\n${body.join('\n')}\n}\n`;
  };
  const variables = `INTERACTIVE=${interactive ? 1 : 0}\nINIT=${prepare === undefined ? 'none' : 'systemd'}\n`;
  return variables + define('run_job', command) + define('run_prepare', prepare ?? ['true']);
}

/** @param {import('./kernel.mjs').LabKernel} kernel @param {readonly string[]} keep */
function placesScript(kernel, keep) {
  const hidden = keep.filter((path) => /^\/(tmp|run)\//.test(path));
  const odd = hidden.find((path) => /\s/.test(path));
  if (odd !== undefined) throw new Error(`the lab can't run from ${odd}: a path below /tmp or /run with a blank in it`);
  return `MODULES=${shellQuote(kernel.modules)}\nKEEP=${shellQuote(hidden.join(' '))}\n`;
}

/**
 * The modules and what they need, in loading order, each once.
 * @param {import('./kernel.mjs').LabKernel} kernel
 */
function moduleFiles(kernel) {
  const base = kernel.modules.slice(0, -`/lib/modules/${kernel.release}`.length);
  const listed = execFileSync('modprobe', ['-d', base, '-S', kernel.release, '--show-depends', '-a', ...MODULES], {
    encoding: 'utf8',
    env: withSbin(),
  });
  const paths = new Set([...listed.matchAll(/^insmod (\S+)/gm)].map(([, path]) => path ?? ''));
  return [...paths].map((path) =>
    path.endsWith('.xz')
      ? { name: basename(path, '.xz'), data: execFileSync('xz', ['-dc', path], { maxBuffer: 1 << 26 }) }
      : { name: basename(path), data: readFileSync(path) },
  );
}

function busybox() {
  return execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8', env: withSbin() }).trim();
}
