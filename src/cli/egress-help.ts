import { EGRESS_OPTION_NAMES, egressOption } from '../config/index.js';
import { HELP_WIDTH, optionText, wrap } from './layout.js';
import { PROGRAM } from './program.js';

const ABOUT = `Asks a running server about the addresses that its tunnel leaves from, or has it change them. NAME is that \
of its unit (ipipou@NAME), its tunnel device, or the folder of its control socket, beginning with / or ./; where one \
server with egress runs, none is needed. A banned address is not drawn, and a tunnel that holds it moves on; bans last \
until they end, are lifted, or the server stops.`;

/** The text of `egress --help`, made from its option table. */
export function egressHelp(): string {
  const options = EGRESS_OPTION_NAMES.map((name) => optionText({ name, ...egressOption(name) }));
  return [
    `usage: ${PROGRAM} egress show [NAME]             lists policies, addresses held and bans`,
    `       ${PROGRAM} egress rotate [NAME]           draws anew what per=tunnel holds`,
    `       ${PROGRAM} egress ban ADDRESS [NAME]`,
    `       ${PROGRAM} egress unban ADDRESS [NAME]`,
    '',
    ...wrap(ABOUT, HELP_WIDTH),
    '',
    options.join(''),
  ].join('\n');
}
