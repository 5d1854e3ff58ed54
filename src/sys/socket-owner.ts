/** Which processes have a socket open, by what /proc shows of this network namespace. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process that stands in the way. */
export interface Owner {
  readonly pid: number;
  /** As `ps` shows it; empty where it could not be read. */
  readonly name: string;
}

/** Lines of /proc/net/udp are some 130 bytes; beyond that many sockets nobody is looked for. */
const MAX_TABLE_BYTES = 32 << 20;

/** Inodes of the sockets in /proc/net/udp or udp6 that are bound to the port, at whatever address. */
export function parseUdpInodes(table: string, port: number): number[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return table.split('\n').flatMap((line) => {
    const columns = line.trim().split(/\s+/);
    const inode = Number(columns[9]);
    // The kernel's own sockets show 0.
    return columns[1]?.split(':')[1] === wanted && inode > 0 ? [inode] : [];
  });
}

/** Inodes of the sockets in /proc/net/netlink with this protocol (column 2) and port id (column 3). */
export function parseNetlinkInodes(table: string, protocol: number, portId: number): number[] {
  return table.split('\n').flatMap((line) => {
    const columns = line.trim().split(/\s+/);
    const inode = Number(columns[9]);
    return Number(columns[1]) === protocol && Number(columns[2]) >>> 0 === portId && inode > 0 ? [inode] : [];
  });
}

/**
 * Inodes of the sockets in /proc/net/unix by the abstract name that they are bound to. The table shows such a name behind
 * an `@` for its first byte, 0: `0000000000000000: 00000002 00000000 00010000 0001 01 40213 @name`.
 */
export function parseAbstractNames(table: string): Map<string, number> {
  const lines = table.matchAll(/^[0-9a-f]+: (?:[0-9A-F]+ ){5} *(\d+) @(.+)$/gm);
  return new Map([...lines].flatMap(([, inode, name]) => (name === undefined ? [] : [[name, Number(inode)]])));
}

/** The abstract names that unix sockets of this network namespace are bound to. */
export const abstractNames = (): string[] => [...parseAbstractNames(readNet('unix')).keys()];

/** Who has the abstract name. */
export function abstractNameOwners(name: string): Owner[] {
  const inode = parseAbstractNames(readNet('unix')).get(name);
  return inode === undefined ? [] : ownersOf([inode]);
}

/** The process of this number, which need not be ours to look into. */
export const ownerOf = (pid: number): Owner => ({
  pid,
  name: attempt(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim(), ''),
});

/** Who has the UDP port; none where /proc doesn't tell us, as for processes of others without root. */
export const udpPortOwners = (port: number): Owner[] =>
  ownersOf([...parseUdpInodes(readNet('udp'), port), ...parseUdpInodes(readNet('udp6'), port)]);

/** Who has the netlink socket. */
export const netlinkPortOwners = (protocol: number, portId: number): Owner[] =>
  ownersOf(parseNetlinkInodes(readNet('netlink'), protocol, portId));

/** `dnsmasq (process 812)`, for the end of a sentence; undefined where nobody was found. */
export function nameOwners(owners: readonly Owner[]): string | undefined {
  const [first] = owners;
  if (first === undefined) return undefined;
  const more = owners.length === 1 ? '' : ` and ${owners.length - 1} more`;
  return `${first.name === '' ? 'process' : `${first.name}, process`} ${first.pid}${more}`;
}

function ownersOf(inodes: readonly number[]): Owner[] {
  if (inodes.length === 0) return [];
  const links = new Set(inodes.map((inode) => `socket:[${inode}]`));
  return attempt(() => readdirSync('/proc'), [])
    .filter((entry) => /^\d+$/.test(entry) && hasOpen(entry, links))
    .map((entry) => ownerOf(Number(entry)));
}

const hasOpen = (pid: string, links: ReadonlySet<string>): boolean =>
  attempt(() => readdirSync(`/proc/${pid}/fd`), []).some((fd) =>
    links.has(attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`), '')),
  );

function readNet(name: string): string {
  const table = attempt(() => readFileSync(`/proc/thread-self/net/${name}`, 'latin1'), '');
  return table.length > MAX_TABLE_BYTES ? '' : table;
}

/** Processes come and go while they are looked at, and some are not ours to see. */
function attempt<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}
