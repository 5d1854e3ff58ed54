/** Transfers through a tunnel, compared bit for bit. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exec } from './exec.js';
import type { Namespace } from './namespace.js';
import { start } from './running.js';
import type { Scope } from './scope.js';

/** Plain JavaScript, which stays where its source is. */
const PROGRAM = join(
  fileURLToPath(import.meta.url).replace(/\/build\/test\/.*$|\/test\/.*$/, ''),
  'test/lab/support/transfer.mjs',
);

export interface TransferEnd {
  readonly ns: Namespace;
  /** Its address in the tunnel. */
  readonly address: string;
}

let port = 7000;

/** Rejects where what arrives by TCP is not what was sent. */
export async function transfer(scope: Scope, from: TransferEnd, to: TransferEnd, bytes: number): Promise<void> {
  port += 1;
  const run = (...args: (string | number)[]): string[] => [process.execPath, PROGRAM, ...args.map(String)];
  const server = start(scope, from.ns, run('serve', from.address, port, bytes));
  await server.waitForLog(/serving/);
  const fetched = await to.ns.exec(run('fetch', from.address, port));
  const wanted = await exec(run('hash', bytes));
  await server.kill('SIGKILL');
  if (fetched.stdout !== wanted.stdout)
    throw new Error(`arrived ${fetched.stdout.trim()}, sent ${wanted.stdout.trim()}`);
}

/** What the kernel counted of packets with a wrong checksum in the namespace, by name; only those that are not zero. */
export async function checksumErrors(ns: Namespace): Promise<Record<string, number>> {
  const { stdout } = await ns.exec(['cat', '/proc/thread-self/net/snmp', '/proc/thread-self/net/netstat']);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(/\s+/));
  const errors: Record<string, number> = {};
  for (let index = 0; index + 1 < lines.length; index += 2) {
    lines[index]!.forEach((name, column) => {
      const value = Number(lines[index + 1]![column]);
      if (name.includes('Csum') && value > 0) errors[`${lines[index]![0]} ${name}`] = value;
    });
  }
  const { stdout: ipv6 } = await ns.exec(['cat', '/proc/thread-self/net/snmp6']);
  for (const [, name = '', value] of ipv6.matchAll(/^(\S*Csum\S*)\s+(\d+)$/gm)) {
    if (Number(value) > 0) errors[name] = Number(value);
  }
  return errors;
}
