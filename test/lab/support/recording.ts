import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exec } from './exec.js';
import type { Namespace } from './namespace.js';
import { start } from './running.js';
import type { Scope } from './scope.js';
import { waitUntil } from './wait.js';

/** Kilobytes: a burst of megabytes is not to be lost while tcpdump has no processor. */
const BUFFER_KIB = 32_768;

/** All packets of a busy device, for which tcpdump's own text comes too slowly. */
export interface Recording {
  /** Ends it, and gives the packets as lines of tcpdump, checksums verified (`-vv`) where asked for. */
  lines(verbose?: boolean): Promise<string[]>;
}

/** Resolves when packets are recorded: none sent after that is missed. */
export async function startRecording(scope: Scope, ns: Namespace, device: string, filter: string): Promise<Recording> {
  const folder = mkdtempSync(join(tmpdir(), 'ipipou-ts-packets-'));
  scope.defer(() => rm(folder, { recursive: true }));
  const file = join(folder, 'packets');
  // As root, since it would become a user that cannot write there.
  const command = ['tcpdump', '-i', device, '-n', '-s', '0', '-U', '-B', String(BUFFER_KIB), '-Z', 'root', '-w', file];
  const process = start(scope, ns, [...command, filter]);
  await process.waitForLog(/listening on /);
  let seen = -1;
  const read = async (verbose = false): Promise<string[]> => {
    const { stdout } = await exec(['tcpdump', '-n', '-tt', ...(verbose ? ['-vv'] : []), '-r', file]);
    return stdout.split('\n').filter((line) => line !== '');
  };
  return {
    lines: async (verbose) => {
      // Ended at once, it would leave what still waits in the buffer.
      await waitUntil(
        async () => {
          const count = (await read()).length;
          const isSettled = count === seen;
          seen = count;
          return isSettled ? true : undefined;
        },
        { what: 'the recording to end', everyMs: 300 },
      );
      await process.kill('SIGINT');
      return read(verbose);
    },
  };
}
