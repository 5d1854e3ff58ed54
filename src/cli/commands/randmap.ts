import { EXIT_CODES, parseRandmap, type RandmapRequest } from '../../config/index.js';
import type { RandmapSpec } from '../../egress/randmap/spec.js';
import type { RandmapTable } from '../../egress/randmap/table.js';
import { describeError } from '../describe-error.js';
import { describeExit } from '../exit-codes.js';
import { randmapHelp } from '../randmap-help.js';
import type { Surroundings } from '../surroundings.js';

type World = Pick<Surroundings, 'argv' | 'out' | 'err'>;

/** Maps addresses and ports packet by packet: makes the change in the kernel, which keeps it, and ends. */
export async function randmap(world: World): Promise<number> {
  const request = parseRandmap(world.argv.slice(1));
  if (request.verb === 'help') {
    world.out(randmapHelp());
    return EXIT_CODES.ok.code;
  }
  // Loaded only now: printing a help text needs no native libraries.
  const { RandmapTable: Table } = await import('../../egress/randmap/table.js');
  try {
    const table = Table.open();
    try {
      await carryOut(request, table, world);
    } finally {
      table.close();
    }
  } catch (error) {
    const { code } = EXIT_CODES.nftables;
    world.err(`error: randmap: ${describeError(error)} ${describeExit(code)}\n`);
    return code;
  }
  return EXIT_CODES.ok.code;
}

async function carryOut(request: RandmapRequest, table: RandmapTable, world: World): Promise<void> {
  switch (request.verb) {
    case 'add':
      for (const warning of warningsAbout(request.spec)) world.err(`warning: ${warning}\n`);
      world.out(`${await table.add(request.spec)}\n`);
      return;
    case 'delete':
      await table.delete(request.id);
      return;
    case 'show':
      for (const { id, counts, words } of await table.list()) {
        world.out(`${id}\t${counts.packets} packets\t${counts.bytes} bytes\t${words}\n`);
      }
      return;
    case 'flush':
      await table.flush();
      return;
    case 'help':
      return;
  }
}

function warningsAbout({ hook, destination, everyPacket, source }: RandmapSpec): string[] {
  const warnings: string[] = [];
  if (destination.prefix !== undefined && (hook === 'FORWARD' || hook === 'POSTROUTING')) {
    warnings.push(
      `--dst-pfx at ${hook}: the packet stays on the way to its old destination; PREROUTING and OUTPUT come before routing`,
    );
  }
  const draws = [source.prefix, destination.prefix, source.ports, destination.ports].some(isMany);
  if (draws && !everyPacket && (hook === 'OUTPUT' || hook === 'POSTROUTING')) {
    warnings.push(
      'TCP hands over many packets as one, which share one draw; --every-packet -o DEV cuts them up before',
    );
  }
  return warnings;
}

const isMany = (range: { first: bigint; last: bigint } | { from: number; to: number } | undefined): boolean =>
  range !== undefined && ('first' in range ? range.first !== range.last : range.from !== range.to);
