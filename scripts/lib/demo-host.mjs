// Whether the demo can be shown on this machine itself, or needs the lab's.
import { isRoot } from './debian.mjs';
import { tryEnclosed } from './enclosed.mjs';
import { collect } from './run.mjs';

/** @typedef {'auto' | 'kernel' | 'userspace'} DataPlane */

/** @type {readonly DataPlane[]} */
export const DATA_PLANES = ['auto', 'kernel', 'userspace'];

const KERNEL_MODULES = ['fou', 'ipip', 'dummy', 'nft_queue', 'nfnetlink_queue'];

/** What the hosts of the demo are made of, made once where it goes with the shell. */
const HOSTS = `
ip link add name probe0 type bridge
ip link add name probe1 type veth peer name probe2
nft add table ip t
nft add chain ip t c '{ type nat hook postrouting priority srcnat; }'
nft add rule ip t c masquerade
conntrack -F`;

/**
 * Undefined where it can, otherwise the reason in words.
 * @param {DataPlane} plane
 * @returns {string | undefined}
 */
export function whyNotOnThisHost(plane) {
  if (!isRoot()) return 'that needs root';
  const hosts = tryEnclosed(HOSTS);
  if (!hosts.ok) return `network namespaces can't be made into hosts here (${hosts.complaint})`;
  const kernel = collect('modprobe', ['-n', '-a', ...KERNEL_MODULES]);
  if (kernel.ok && plane !== 'userspace') return undefined;
  if (plane === 'kernel') return `its kernel lacks modules (${kernel.complaint})`;
  const tun = tryEnclosed('ip tuntap add name probe3 mode tun');
  return tun.ok ? undefined : `there is neither FOU nor TUN (${tun.complaint})`;
}
