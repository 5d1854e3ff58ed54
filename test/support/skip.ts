/** Skips that say why: the reason stands behind the title of each test that is not run. */
import { execFileSync } from 'node:child_process';
import Mocha from 'mocha';

/** Called in a test it skips that, in a hook before a suite the tests of the suite. */
export function skipBecause(context: Mocha.Context, reason: string): never {
  const { test } = context;
  const note = (skipped: Mocha.Runnable): void => {
    skipped.title += ` (skipped: ${reason})`;
  };
  if (test instanceof Mocha.Test) note(test);
  else test?.parent?.eachTest(note);
  return context.skip();
}

/** For `before`: the suite makes namespaces, devices or the like. */
export function needsRoot(this: Mocha.Context): void {
  if (process.getuid?.() !== 0) skipBecause(this, 'needs root');
}

/** For what takes modules away, or would be heard by a whole system: not on a host, which may need them. */
export function needsMachine(this: Mocha.Context): void {
  if (process.env['LAB_KERNEL'] === undefined) skipBecause(this, 'the host may need its modules');
}

/** Why no namespace with rules can be made here; undefined where it can. */
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
