// The Debian packages the tests and the lab use, installed where missing, with no service started.
import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { collect, withSbin } from './run.mjs';
import { Unavailable } from './unavailable.mjs';

/** A command of each package; a command that is there is enough, whoever put it there. */
const PACKAGE_OF = {
  'qemu-system-x86_64': 'qemu-system-x86',
  busybox: 'busybox-static',
  conntrack: 'conntrack',
  depmod: 'kmod',
  groff: 'groff-base',
  ip: 'iproute2',
  iperf3: 'iperf3',
  iptables: 'iptables',
  nft: 'nftables',
  ping: 'iputils-ping',
  python3: 'python3',
  setpriv: 'util-linux',
  socat: 'socat',
  sysctl: 'procps',
  systemctl: 'systemd',
  tcpdump: 'tcpdump',
  xz: 'xz-utils',
};

/** A script by which Debian's packages ask whether they may start their services (invoke-rc.d(8)). */
const POLICY = '/usr/sbin/policy-rc.d';

export const isRoot = () => process.getuid?.() === 0;

/** @param {string} command @returns {string | undefined} */
export function whereIs(command) {
  const folders = withSbin()
    .PATH.split(':')
    .filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, command)).find(isExecutable);
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param {Readonly<Record<string, string>>} [packageOf] packages by a command of each */
export function missingPackages(packageOf = PACKAGE_OF) {
  return Object.entries(packageOf)
    .filter(([command]) => {
      const path = whereIs(command);
      return path === undefined || (command === 'busybox' && !isStatic(path));
    })
    .map(([, name]) => name);
}

/** An initramfs has no shared libraries, and Debian also packages a busybox that wants some. @param {string} path */
const isStatic = (path) => !readFileSync(path).subarray(0, 4096).includes('/ld-linux');

/**
 * @param {Readonly<Record<string, string>>} [packageOf] packages by a command of each; those of the tests and the lab
 * @returns {string} what was done
 * @throws {Unavailable}
 */
export function installPackages(packageOf = PACKAGE_OF) {
  const missing = missingPackages(packageOf);
  if (missing.length === 0) return 'all there';
  const names = missing.join(' ');
  if (!isRoot()) throw new Unavailable(`${names} missing, and only root can install packages`);
  if (whereIs('apt-get') === undefined) throw new Unavailable(`${names} missing, and there is no apt-get`);
  const first = install(missing);
  if (first.ok) return `installed ${names}`;
  updateLists();
  const second = install(missing);
  if (!second.ok) throw new Unavailable(`apt-get could not install ${names}: ${second.complaint}`);
  return `installed ${names}`;
}

/** Renews the package lists. @throws {Unavailable} */
export function updateLists() {
  if (!isRoot()) throw new Unavailable('the package lists are missing or old, and only root can renew them');
  console.log('  apt-get update');
  const { ok, complaint } = collect('apt-get', ['update', '-q']);
  if (!ok) throw new Unavailable(`apt-get update failed: ${complaint}`);
}

/** @param {readonly string[]} names */
function install(names) {
  console.log(`  apt-get install ${names.join(' ')}`);
  const ours = !existsSync(POLICY);
  if (ours) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return collect('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...names], {
      env: { ...withSbin(), DEBIAN_FRONTEND: 'noninteractive' },
    });
  } finally {
    if (ours) rmSync(POLICY);
  }
}
