import { writeFileSync } from 'node:fs';

/** How `ps`, `top`, `pgrep` and another instance's messages call this process; 15 bytes at most (proc(5), comm). */
const PROCESS_NAME = 'ipipou-ts';

/**
 * Shows this command line in `ps` and `/proc/PID/cmdline`. Until then the one given is there, secrets included: that is
 * made rarer by it, not impossible.
 */
export function showCommandLine(masked: readonly string[]): void {
  const given = process.argv.slice(2);
  if (given.some((word, index) => word !== masked[index])) {
    process.title = [process.argv0, process.argv[1] ?? '', ...masked].join(' ');
  }
  nameProcess();
}

/** Behind the title, of which the kernel makes a name too. */
function nameProcess(): void {
  try {
    writeFileSync('/proc/self/comm', PROCESS_NAME);
  } catch {
    // Without /proc it is called as its interpreter is.
  }
}
