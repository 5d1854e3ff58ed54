import { spawnSync } from 'node:child_process';
import { exec } from './exec.js';
import type { ExecOptions, ExecResult } from './exec.js';
import { inside } from './inside.js';
import type { Scope } from './scope.js';

let made = 0;
const alive = new Set<string>();

// On the host an interrupted run must leave nothing; `after` hooks don't run then.
process.once('exit', () => {
  for (const name of alive) spawnSync('ip', ['netns', 'del', name]);
});

/** A network namespace: one host of a test's little world. */
export class Namespace {
  readonly name: string;
  /** Where it is in the file system. */
  readonly path: string;

  constructor(name: string, path = `/run/netns/${name}`) {
    this.name = name;
    this.path = path;
  }

  exec(command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return inside(this, () => exec(command, options));
  }

  /** `ip` commands without the word `ip`, all in one process: `ns.ip('link set lo up', 'route add default via …')`. */
  async ip(...lines: readonly string[]): Promise<void> {
    await this.exec(['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
  }

  /** One `ip` command that prints JSON, parsed: `ns.ipJson('-d link show t0')`. */
  async ipJson(line: string): Promise<unknown> {
    const { stdout } = await this.exec(['ip', '-json', ...line.split(/\s+/)]);
    return JSON.parse(stdout === '' ? '[]' : stdout) as unknown;
  }

  /** Loads nft text in one transaction. */
  async nft(text: string): Promise<void> {
    await this.exec(['nft', '-f', '-'], { input: text });
  }

  /** What nft lists: `ns.nftList('table ip nat')`; the whole ruleset without an argument. */
  async nftList(what = 'ruleset'): Promise<string> {
    return (await this.exec(['nft', 'list', ...what.split(/\s+/)])).stdout;
  }

  /** `ns.sysctl({ 'net.ipv4.ip_forward': 1 })`. */
  async sysctl(values: Readonly<Record<string, number | string>>): Promise<void> {
    await this.exec(['sysctl', '-q', '-w', ...Object.entries(values).map(([name, value]) => `${name}=${value}`)]);
  }
}

/** New namespaces with `lo` up, deleted with the scope. Names are unique; the labels make them readable. */
export async function namespaces<const Labels extends readonly string[]>(
  scope: Scope,
  ...labels: Labels
): Promise<{ [K in keyof Labels]: Namespace }> {
  const all = labels.map((label) => {
    made += 1;
    return new Namespace(`lab${process.pid}-${made}-${label}`);
  });
  const batch = (line: (name: string) => string): Promise<unknown> =>
    exec(['ip', '-batch', '-'], { input: `${all.map(({ name }) => line(name)).join('\n')}\n` });
  for (const { name } of all) alive.add(name);
  scope.defer(async () => {
    await batch((name) => `netns del ${name}`);
    for (const { name } of all) alive.delete(name);
  });
  await batch((name) => `netns add ${name}`);
  await Promise.all(all.map((ns) => ns.ip('link set lo up')));
  return all as { [K in keyof Labels]: Namespace };
}

export async function namespace(scope: Scope, label: string): Promise<Namespace> {
  const [made] = await namespaces(scope, label);
  return made;
}

export interface VethEnd {
  readonly ns: Namespace;
  readonly device: string;
  /** With prefix length; none where it is left out. */
  readonly address?: string;
}

/** A cable between two namespaces, both ends up. It goes with either namespace. */
export const veth = (a: VethEnd, b: VethEnd): Promise<void> => veths([a, b]);

/** Several at once. */
export async function veths(...cables: readonly (readonly [VethEnd, VethEnd])[]): Promise<void> {
  const lines = cables.map(
    ([a, b]) => `link add ${a.device} netns ${a.ns.name} type veth peer name ${b.device} netns ${b.ns.name}`,
  );
  await exec(['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
  const setUp = new Map<Namespace, string[]>();
  for (const { ns, device, address } of cables.flat()) {
    const list = setUp.get(ns) ?? [];
    setUp.set(ns, [
      ...list,
      ...(address === undefined ? [] : [`addr add ${address} dev ${device}`]),
      `link set ${device} up`,
    ]);
  }
  await Promise.all([...setUp].map(([ns, list]) => ns.ip(...list)));
}
