/** The whole program, joined to the world. Does what the command line asks for when it is imported, and ends. */
import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { EXIT_CODES, readBounded, RUNTIME_DIRECTORY } from '../config/index.js';
import { ask, findDaemons } from '../control/index.js';
import { SYSTEM_EDGE, type Logger } from '../log/index.js';
import { client } from './commands/client.js';
import { examine } from './commands/examine.js';
import { reauth } from './commands/reauth.js';
import { server } from './commands/server.js';
import { defaultAddress } from './default-address.js';
import { dispatch } from './dispatch.js';
import { endByHangUp } from './early-signals.js';
import { fileMode } from './file-mode.js';
import { showCommandLine } from './process-title.js';
import { fallDown, leave } from './leave.js';
import { reportFailure } from './report.js';

let logger: Logger | undefined;
const err = (text: string): void => void process.stderr.write(text);

// A reader of our output that has gone (`--help | head -1`, a restarted log collector), or a disk that is full of it, must
// not end a tunnel; and there is nobody to tell.
let outputFault: NodeJS.ErrnoException | undefined;
process.stderr.on('error', () => undefined);
process.stdout.on('error', (fault: NodeJS.ErrnoException) => {
  outputFault = fault;
});
process.on('uncaughtException', (error) => {
  fallDown(reportFailure(error, logger, err));
});

async function run(): Promise<void> {
  const code = await dispatch({
    argv: process.argv.slice(2),
    environment: process.env,
    out: (text) => void process.stdout.write(text),
    err,
    // https://no-color.org
    colour: process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '',
    logEdge: SYSTEM_EDGE,
    onLogger: (made) => {
      logger = made;
    },
    randomBytes,
    readFile: readBounded,
    fileMode,
    onCommandLine: showCommandLine,
    defaultAddress,
    daemons: { find: () => findDaemons(RUNTIME_DIRECTORY), ask },
    runners: {
      server,
      client,
      reauth: (config, log) => {
        endByHangUp();
        return reauth(config, log);
      },
      doctor: (request) => {
        endByHangUp();
        return examine(request);
      },
    },
  });
  // Pipes, terminals and files are written synchronously on Linux, nothing said is lost by exiting here; what failed is told
  // in the next turn. Keys that are not in the file they were sent to are no success; a reader may have had enough.
  await setImmediate();
  if (code === EXIT_CODES.ok.code && outputFault !== undefined && outputFault.code !== 'EPIPE') {
    err(`error: the output could not be written: ${outputFault.message}\n`);
    await leave(EXIT_CODES.generic.code);
  }
  await leave(code);
}

// Where nothing is left to wait for and `run` has not ended, Node.js ends the process, and that is no success.
process.exitCode = EXIT_CODES.generic.code;
run().catch((error: unknown) => {
  fallDown(reportFailure(error, logger, err));
});
