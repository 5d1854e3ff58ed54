/** A network namespace of a test's own, with `ip` and `nft` as the judges of what is made in it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { inside } from '../lab/support/inside.js';
import { comparable } from './listed-ruleset.js';
import { namespaceObstacle, skipBecause } from './skip.js';

let count = 0;

export class TestNamespace {
  readonly name = `t${process.pid}n${++count}`;

  constructor() {
    execFileSync('ip', ['netns', 'add', this.name]);
    this.ip('link', 'set', 'lo', 'up');
  }

  /** Runs a program inside, to its end, and returns what it prints. */
  run(program: string, ...args: readonly string[]): string {
    return this.feed('', program, ...args);
  }

  /** The same for a program that reads `input`. */
  feed(input: string, program: string, ...args: readonly string[]): string {
    const command = ['netns', 'exec', this.name, program, ...args];
    return execFileSync('ip', command, { encoding: 'utf8', input, stdio: 'pipe' });
  }

  /** Runs `ip` inside. */
  ip(...args: readonly string[]): string {
    return execFileSync('ip', ['-n', this.name, ...args], { encoding: 'utf8', stdio: 'pipe' });
  }

  /** Runs `ip -d -j` inside and gives its list. */
  ipJson(...args: readonly string[]): Record<string, unknown>[] {
    const output = this.ip('-d', '-j', ...args);
    return (output.trim() === '' ? [] : JSON.parse(output)) as Record<string, unknown>[];
  }

  /** Loads a ruleset by `nft -f`. */
  loadRuleset(script: string): void {
    this.feed(script, 'nft', '-f', '-');
  }

  /** What `nft` lists, table by table by name, without what differs from run to run. */
  listRuleset(): unknown[] {
    return comparable(this.run('nft', '-j', 'list', 'ruleset'));
  }

  /** Runs synchronous code with the calling thread inside. Sockets that it opens stay in the namespace. */
  inside<T>(action: () => T): T {
    return inside({ path: `/run/netns/${this.name}` }, action);
  }

  remove(): void {
    execFileSync('ip', ['netns', 'delete', this.name]);
  }
}

/** A suite in a namespace that is made before it and removed after it. Where none can be made its tests say why. */
export function describeInNamespace(title: string, define: (namespace: () => TestNamespace) => void): void {
  describe(title, () => {
    let namespace: TestNamespace | undefined;
    before(function () {
      const obstacle = namespaceObstacle();
      if (obstacle !== undefined) skipBecause(this, obstacle);
      namespace = new TestNamespace();
    });
    after(() => {
      namespace?.remove();
    });
    define(() => namespace ?? assert.fail('used outside a test'));
  });
}
