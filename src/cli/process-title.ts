/**
 * Shows this command line in `ps` and `/proc/PID/cmdline`. Until then the one given is there, secrets included: that is
 * made rarer by it, not impossible.
 */
export function showCommandLine(masked: readonly string[]): void {
  const given = process.argv.slice(2);
  if (given.every((word, index) => word === masked[index])) return;
  process.title = [process.argv0, process.argv[1] ?? '', ...masked].join(' ');
}
