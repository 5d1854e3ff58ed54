// Puts a stock Debian kernel into the cache folder: fetched and unpacked, never installed.
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { findKernel, kernelFolder } from '../../test/lab/boot/kernel.mjs';
import { isRoot, updateLists, whereIs } from './debian.mjs';
import { collect } from './run.mjs';
import { Unavailable } from './unavailable.mjs';

/** @param {string} version one of LAB_KERNELS @returns {string} what was done @throws {Unavailable} */
export function fetchKernel(version) {
  const present = findKernel(version);
  if (present !== undefined) return `${present.release} is there`;
  if (process.arch !== 'x64') throw new Unavailable(`the lab knows x86-64 only, this is ${process.arch}`);
  for (const command of ['apt-get', 'dpkg', 'depmod', 'xz']) {
    if (whereIs(command) === undefined) throw new Unavailable(`there is no ${command}`);
  }

  const folder = kernelFolder(version);
  const part = `${folder}.${process.pid}.part`;
  mkdirSync(part, { recursive: true });
  try {
    const archive = download(version, part);
    console.log(`  dpkg -x ${archive}`);
    must(collect('dpkg', ['-x', join(part, archive), part]), 'dpkg -x');
    rmSync(join(part, archive));
    prepare(part);
    moveInto(part, folder);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
  return `unpacked into ${folder}`;
}

/** @param {string} version @param {string} folder @returns {string} the archive's file name */
function download(version, folder) {
  let name = packageName(version);
  if (name === undefined || !fetch(name, folder).ok) {
    updateLists();
    name = packageName(version);
    if (name === undefined) throw new Unavailable(`this system's package lists have no Linux ${version}`);
    const { ok, complaint } = fetch(name, folder);
    if (!ok) throw new Unavailable(`apt-get download ${name} failed: ${complaint}`);
  }
  const archive = readdirSync(folder).find((file) => file.endsWith('.deb'));
  if (archive === undefined) throw new Unavailable(`apt-get download ${name} left no file`);
  return archive;
}

/** @param {string} name @param {string} cwd */
function fetch(name, cwd) {
  console.log(`  apt-get download ${name}`);
  // As root apt gives up its rights for downloads, and then can't write into the cache folder.
  const sandbox = isRoot() ? ['-o', 'APT::Sandbox::User=root'] : [];
  return collect('apt-get', [...sandbox, '-q', 'download', name], { cwd });
}

/**
 * The concrete package: what the metapackage of Debian 12 depends on, or the newest of the backported kernels.
 * @param {string} version
 */
function packageName(version) {
  if (version === '6.1') {
    return /Depends: (linux-image-6\.1\.\S+)/.exec(collect('apt-cache', ['depends', 'linux-image-amd64']).output)?.[1];
  }
  const pattern = `^linux-image-${version.replaceAll('.', '\\.')}\\.[0-9]+\\+deb12-amd64$`;
  const found = collect('apt-cache', ['search', '--names-only', pattern]).output.matchAll(/^\S+/gm);
  return [...found]
    .map(([name]) => name)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1);
}

/** Makes the module lists, and the kernel image that boots fastest. @param {string} root */
function prepare(root) {
  const [release] = readdirSync(join(root, 'lib', 'modules'));
  if (release === undefined) throw new Error('the kernel package has no modules');
  must(collect('depmod', ['-b', root, release]), 'depmod');
  const packed = readFileSync(join(root, 'boot', `vmlinuz-${release}`));
  writeFileSync(join(root, 'boot', 'image'), unpackImage(packed) ?? packed);
}

/**
 * The ELF image inside a bzImage that is compressed with xz: an emulated processor would need longer to decompress it
 * than to boot it. Newer kernels use zstd, which costs next to nothing; those boot as they are.
 * Offsets: Linux Documentation/arch/x86/boot.rst, setup header (setup_sects, payload_offset, payload_length).
 * @param {Buffer} bzImage
 * @returns {Buffer | undefined} undefined for another compression
 */
function unpackImage(bzImage) {
  const SECTOR = 512;
  const setupSectors = bzImage[0x1f1] || 4;
  const start = (setupSectors + 1) * SECTOR + bzImage.readUInt32LE(0x248);
  // The last four bytes of the payload are the image's size, not compressed data.
  const payload = bzImage.subarray(start, start + bzImage.readUInt32LE(0x24c) - 4);
  if (payload.toString('latin1', 1, 4) !== '7zX') return undefined;
  return execFileSync('xz', ['-dc', '--single-stream'], { input: payload, maxBuffer: 1 << 28 });
}

/** @param {string} part @param {string} folder */
function moveInto(part, folder) {
  mkdirSync(dirname(folder), { recursive: true });
  try {
    renameSync(part, folder);
  } catch (error) {
    // Somebody else was faster, or an interrupted unpacking by hand lies there.
    if (!existsSync(join(folder, 'boot', 'image'))) throw error;
  }
}

/** @param {ReturnType<typeof collect>} result @param {string} what */
function must(result, what) {
  if (!result.ok) throw new Error(`${what} failed: ${result.complaint}`);
}
