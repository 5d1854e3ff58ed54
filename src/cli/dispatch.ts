import {
  chooseCommand,
  ConfigError,
  EXIT_CODES,
  gatherOptions,
  maskSecrets,
  readEgressFiles,
  readSecrets,
  resolve,
  splitWord,
  warnOfExposure,
  type RawOption,
} from '../config/index.js';
import { createLogger, type Logger } from '../log/index.js';
import { doctor } from './commands/doctor.js';
import { egress } from './commands/egress.js';
import { keygen } from './commands/keygen.js';
import { noAuthentication } from './commands/no-authentication.js';
import { randmap } from './commands/randmap.js';
import { packageVersion } from './commands/version.js';
import { helpText } from './help.js';
import { reportFailure } from './report.js';
import type { Surroundings } from './surroundings.js';

/** Does what the command line asks for; gives the exit code. Never throws. */
export async function dispatch(world: Surroundings): Promise<number> {
  let logger: Logger | undefined;
  try {
    if (world.argv[0] === 'randmap') return await randmap(world);
    if (world.argv[0] === 'egress') return await egress(world);
    const { word, options } = splitWord(world.argv);
    const raw = gatherOptions(options, world.readFile, world.environment);
    const command = chooseCommand(raw, word);
    switch (command) {
      case 'help':
        world.out(helpText());
        return EXIT_CODES.ok.code;
      case 'version':
        world.out(`${packageVersion()}\n`);
        return EXIT_CODES.ok.code;
      case 'doctor':
        return await doctor(raw, world);
      case 'keygen':
        world.out(keygen(raw, world.randomBytes));
        return EXIT_CODES.ok.code;
      case 'server':
      case 'client':
      case 'reauth':
        return await runTunnel(raw, command === 'reauth', world, (made) => {
          logger = made;
          world.onLogger(made);
        });
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) return reportFailure(error, logger, world.err);
    world.err(`error: ${error.message}\n`);
    return EXIT_CODES.arguments.code;
  }
}

async function runTunnel(
  raw: readonly RawOption[],
  reauthOnly: boolean,
  world: Surroundings,
  onLogger: (logger: Logger) => void,
): Promise<number> {
  world.onCommandLine(maskSecrets(world.argv, raw));
  const files = readEgressFiles(raw, world.readFile);
  const { options, notes } = readSecrets(files.options, world.readFile, world.environment);
  const resolution = resolve(options, world.environment);
  if (resolution.kind === 'no-authentication') return noAuthentication(resolution.server, world);
  const { config, warnings } = resolution;
  const logger = createLogger(config.log, world.logEdge);
  onLogger(logger);
  for (const warning of [...warnings, ...warnOfExposure(raw, world.fileMode)]) logger.warn(warning);
  for (const note of [...files.notes, ...notes, ...resolution.notes]) logger.info(note);
  const { runners } = world;
  if (config.mode === 'server') return runners.server(config, logger);
  return reauthOnly ? runners.reauth(config, logger) : runners.client(config, logger);
}
