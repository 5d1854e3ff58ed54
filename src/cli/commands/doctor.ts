import {
  EXIT_CODES,
  maskSecrets,
  readEgressFiles,
  readSecrets,
  resolvePartly,
  specOf,
  type RawOption,
} from '../../config/index.js';
import { renderJson } from '../../doctor/report/json.js';
import { renderTable } from '../../doctor/report/table.js';
import { createLogger } from '../../log/index.js';
import type { Surroundings } from '../surroundings.js';

/**
 * Judges this host for the tunnel that the options describe, as far as they do. Gives 0 where the data plane can run.
 * Throws `ConfigError`.
 */
export async function doctor(raw: readonly RawOption[], world: Surroundings): Promise<number> {
  world.onCommandLine(maskSecrets(world.argv, raw));
  const files = readEgressFiles(raw, world.readFile);
  const { options } = readSecrets(files.options, world.readFile, world.environment);
  const resolution = resolvePartly(options, world.environment);
  const log = createLogger(resolution.tunnel.log, world.logEdge);
  for (const warning of resolution.warnings) log.warn(warning);
  const given = options.some(({ name }) => !GENERAL.has(name) && specOf(name).group !== 'Log');
  const report = await world.runners.doctor({ resolution, given, log });
  const asJson = raw.some(({ name }) => name === 'json');
  world.out(asJson ? renderJson(report) : renderTable(report, { colour: world.colour }));
  return report.fit ? EXIT_CODES.ok.code : EXIT_CODES.unfit.code;
}

/** Options that say nothing of a tunnel. */
const GENERAL: ReadonlySet<RawOption['name']> = new Set([
  'json',
  'config',
  'client',
  'server',
  'state-dir',
  'control-dir',
]);
