import type { ChildProcess } from 'node:child_process';

const living = new Set<ChildProcess>();

process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** The process must not outlive us, however we end. */
export function endsWithUs(child: ChildProcess): void {
  living.add(child);
  child.once('close', () => living.delete(child));
}
