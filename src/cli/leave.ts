const WAITED_FOR = new Set(['GetAddrInfoReqWrap', 'FSReqCallback', 'FSReqPromise']);

/**
 * Ends the process. `process.exit()` waits for the thread of a look-up that is under way, or of a file: a resolver that
 * hears nothing goes on for many seconds, and a file server that is gone for ever, longer than a service manager has
 * patience with a process that it has told to stop.
 */
export async function leave(code: number): Promise<never> {
  // https://nodejs.org/api/process.html#processgetactiveresourcesinfo
  if (process.getActiveResourcesInfo().some((name) => WAITED_FOR.has(name))) {
    const { libc } = await import('../sys/libc.js');
    libc()._exit(code);
  }
  return process.exit(code);
}

/**
 * The same after an error that nobody foresaw: whatever runs is left as it is. A packet loop waits in the kernel, where
 * `process.exit()` would wait for it for ever.
 */
export function fallDown(code: number): void {
  import('../sys/libc.js').then(({ libc }) => libc()._exit(code)).catch(() => process.exit(code));
}
