/**
 * A network namespace of a test's own. Sockets are opened inside it and used from outside: a socket stays in the
 * namespace where it was made.
 */
import { execFileSync } from 'node:child_process';
import { inside } from '../../lab/support/inside.js';

let count = 0;

export class TestNamespace {
  readonly name = `nl${process.pid}-${count++}`;

  constructor() {
    execFileSync('ip', ['netns', 'add', this.name]);
    this.ip('link', 'set', 'lo', 'up');
  }

  /** Runs `ip` inside and gives its output. */
  ip(...args: string[]): string {
    return execFileSync('ip', ['-n', this.name, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** Runs `ip -d -j` inside and gives its list. */
  list(...args: string[]): Record<string, unknown>[] {
    const output = this.ip('-d', '-j', ...args);
    return (output.trim() === '' ? [] : JSON.parse(output)) as Record<string, unknown>[];
  }

  /** Runs any program inside, to its end. */
  run(program: string, args: string[], input = ''): string {
    return execFileSync('ip', ['netns', 'exec', this.name, program, ...args], { encoding: 'utf8', input });
  }

  /** Runs synchronous code with the calling thread inside. */
  inside<T>(action: () => T): T {
    return inside({ path: `/run/netns/${this.name}` }, action);
  }

  remove(): void {
    execFileSync('ip', ['netns', 'delete', this.name]);
  }
}

/** Skips a suite that needs namespaces where there is no right to make them. */
export function needsRoot(this: Mocha.Context): void {
  if (process.getuid?.() !== 0) this.skip();
}

/** Waits for what the event loop brings. The time limit is the test's own. */
export async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
