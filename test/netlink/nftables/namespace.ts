/** A network namespace for tests that talk to the kernel, with `nft` as the judge in it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { inside } from '../../lab/support/inside.js';

let count = 0;

/** Why no namespace can be made here; undefined where it can. */
export function namespaceObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  for (const program of ['ip', 'nft']) {
    try {
      execFileSync(program, ['-V'], { stdio: 'ignore' });
    } catch {
      return `needs the program ${program}`;
    }
  }
  return undefined;
}

/** A suite that needs a namespace: made before it, deleted after it. Where none can be made one line says why. */
export function describeInNamespace(title: string, define: (namespace: () => TestNamespace) => void): void {
  const obstacle = namespaceObstacle();
  if (obstacle !== undefined) {
    describe(title, () => {
      it(`can't be tried here: ${obstacle}`, function () {
        this.skip();
      });
    });
    return;
  }
  describe(title, () => {
    let namespace: TestNamespace | undefined;
    before(() => {
      namespace = new TestNamespace();
    });
    after(() => {
      namespace?.delete();
    });
    define(() => namespace ?? assert.fail('used outside a test'));
  });
}

export class TestNamespace {
  readonly name = `nftt${process.pid}n${++count}`;

  constructor() {
    execFileSync('ip', ['netns', 'add', this.name]);
    this.run('ip', 'link', 'set', 'lo', 'up');
  }

  /** Runs a program inside and returns what it prints. */
  run(program: string, ...args: string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.name, program, ...args], { encoding: 'utf8', stdio: 'pipe' });
  }

  /** Loads a ruleset with the reference tool. */
  load(script: string): void {
    execFileSync('ip', ['netns', 'exec', this.name, 'nft', '-f', '-'], { input: script, stdio: 'pipe' });
  }

  /** The ruleset as the reference tool shows it, table by table by name, without what differs from run to run (handles, time left). */
  list(): unknown[] {
    const { nftables } = JSON.parse(this.run('nft', '-j', 'list', 'ruleset')) as { nftables: object[] };
    const objects = nftables.filter((object) => !('metainfo' in object)).map(withoutVolatile);
    return objects.sort((a, b) => (tableOf(a) < tableOf(b) ? -1 : tableOf(a) > tableOf(b) ? 1 : 0));
  }

  /** Runs `open` inside. It must be synchronous: sockets it opens stay in the namespace. */
  enter<T>(open: () => T): T {
    return inside({ path: `/run/netns/${this.name}` }, open);
  }

  delete(): void {
    execFileSync('ip', ['netns', 'del', this.name]);
  }
}

function withoutVolatile(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutVolatile);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => key !== 'handle' && key !== 'expires');
  return Object.fromEntries(
    kept.map(([key, child]) => [
      key,
      key === 'elem' && Array.isArray(child) ? sorted(child.map(withoutVolatile)) : withoutVolatile(child),
    ]),
  );
}

/** Each listed object is `{ kind: its properties }`. */
function tableOf(object: unknown): string {
  const [entry] = Object.entries(object as Record<string, { family: string; name: string; table?: string }>);
  const [, { family, name, table }] = entry ?? assert.fail('an empty object in the listing');
  return `${family} ${table ?? name}`;
}

/** Sets have no order of their own. */
const sorted = (elements: unknown[]): unknown[] =>
  elements.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
