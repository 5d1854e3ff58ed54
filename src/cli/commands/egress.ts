import { EXIT_CODES, parseEgress, type EgressRequest } from '../../config/index.js';
import { isObject, type Fields } from '../../control/index.js';
import type { EgressReport } from '../../egress/report.js';
import { chooseDaemon, describeFault, NoDaemonError } from '../choose-daemon.js';
import { egressHelp } from '../egress-help.js';
import { exhausted, renderEgress } from '../egress-table.js';
import { describeExit } from '../exit-codes.js';
import type { Surroundings } from '../surroundings.js';

type World = Pick<Surroundings, 'argv' | 'out' | 'err' | 'daemons'>;
type Order = Exclude<EgressRequest, { verb: 'help' }>;

/** Asks a running daemon, or has it change something. Throws `ConfigError`. */
export async function egress(world: World): Promise<number> {
  const request = parseEgress(world.argv.slice(1));
  if (request.verb === 'help') {
    world.out(egressHelp());
    return EXIT_CODES.ok.code;
  }
  try {
    const report = await carryOut(request, world);
    if (request.asJson) world.out(`${JSON.stringify({ format: 1, ...report }, undefined, 2)}\n`);
    else world.out(renderEgress(report));
    for (const line of exhausted(report)) world.err(`warning: ${report.device}: ${line}\n`);
    return EXIT_CODES.ok.code;
  } catch (error) {
    if (!(error instanceof NoDaemonError)) throw error;
    const { code } = EXIT_CODES.control;
    world.err(`error: egress ${request.verb}: ${error.message} ${describeExit(code)}\n`);
    return code;
  }
}

async function carryOut(request: Order, { daemons }: World): Promise<EgressReport> {
  const path = await chooseDaemon(request.name, () => daemons.find());
  const asked = await daemons.ask(path, `egress-${request.verb}`, argumentsOf(request));
  if (asked.kind === 'fault') throw new NoDaemonError(describeFault(path, asked.fault));
  const { reply } = asked;
  if (!reply.ok) throw new NoDaemonError(reply.message);
  if (!isReport(reply.result)) throw new NoDaemonError(describeFault(path, 'malformed'));
  return reply.result;
}

function argumentsOf(request: Order): Fields {
  switch (request.verb) {
    case 'show':
      return {};
    case 'rotate':
      return { dropEstablished: request.dropEstablished };
    case 'ban':
      return { address: request.address, forMs: request.forMs, dropEstablished: request.dropEstablished };
    case 'unban':
      return { address: request.address };
  }
}

/** As far as it takes to tell a daemon of this kind from another one. */
const isReport = (result: unknown): result is EgressReport =>
  isObject(result) && Array.isArray(result['policies']) && Array.isArray(result['bans']);
