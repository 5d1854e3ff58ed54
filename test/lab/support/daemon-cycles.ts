/**
 * Starts and stops a server many times in one process, its tunnel pointed somewhere from the start, and prints what the
 * process holds after a quarter of them and at the end, as JSON: `[{ descriptors, liveKb, residentKb }, …]`.
 * What is live is counted behind a full collection: how much of the rest a heap keeps is the collector's business.
 *
 *     node --expose-gc build/test/lab/support/daemon-cycles.js TIMES ARGUMENT…      arguments of `ipipou-ts`
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { dispatch } from '../../../src/cli/dispatch.js';
import { readBounded } from '../../../src/config/index.js';
import { runClient, runReauth, runServer } from '../../../src/daemon/index.js';
import { SYSTEM_EDGE } from '../../../src/log/index.js';

const [times = '', ...argv] = process.argv.slice(2);
const TIMES = Number(times);

async function held() {
  if (globalThis.gc === undefined) throw new Error('to be run with --expose-gc');
  // What a finalizer lets go is collected only by the next round.
  for (let round = 0; round < 3; round++) {
    globalThis.gc();
    await setImmediate();
  }
  const { heapUsed, external } = process.memoryUsage();
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    liveKb: Math.round((heapUsed + external) / 1024),
    residentKb: Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]),
  };
}

/** One server, from its arguments to its end by the signal that it gets when it is ready. */
async function cycle(): Promise<void> {
  let log = '';
  const code = await dispatch({
    argv,
    environment: {},
    out: () => undefined,
    err: (text) => (log += text),
    colour: false,
    logEdge: {
      ...SYSTEM_EDGE,
      write: (line) => {
        log += line;
        if (line.includes('server ready')) process.kill(process.pid, 'SIGTERM');
      },
    },
    onLogger: () => undefined,
    randomBytes,
    readFile: readBounded,
    fileMode: () => undefined,
    onCommandLine: () => undefined,
    defaultAddress: () => undefined,
    daemons: {
      find: () => Promise.resolve({ daemons: [], silent: [] }),
      ask: () => Promise.resolve({ kind: 'fault', fault: 'absent' }),
    },
    runners: { server: runServer, client: runClient, reauth: runReauth, doctor: () => Promise.reject(new Error('no')) },
  });
  if (code !== 0) throw new Error(`exit code ${code}\n${log}`);
}

const seen = [];
for (let done = 1; done <= TIMES; done++) {
  await cycle();
  if (done === Math.ceil(TIMES / 4) || done === TIMES) seen.push(await held());
}
process.stdout.write(JSON.stringify(seen));
process.exit(0);
