import { RANDMAP_OPTION_NAMES, randmapOption } from '../config/index.js';
import { HOOKS } from '../egress/randmap/spec.js';
import { PROGRAM } from './program.js';
import { HELP_WIDTH, optionText, wrap } from './layout.js';

const ABOUT = `Maps addresses and ports of packets, each packet by itself: with a prefix or a range of more than one, \
to random ones of it; with one address or port, to that. Rules are kept by the kernel, in the nftables table inet \
ipipou-randmap, until they are deleted; packets they are about are not tracked as connections.`;

/** The text of `randmap --help`, made from its option table. */
export function randmapHelp(): string {
  const options = RANDMAP_OPTION_NAMES.map((name) => optionText({ name, ...randmapOption(name) }));
  return [
    `usage: ${PROGRAM} randmap add HOOK [OPTION]...   prints the number of the new rule`,
    `       ${PROGRAM} randmap show                   lists number, packets, bytes and options`,
    `       ${PROGRAM} randmap delete NUMBER`,
    `       ${PROGRAM} randmap flush`,
    '',
    ...wrap(ABOUT, HELP_WIDTH),
    '',
    `HOOK is one of ${HOOKS.join(', ')}.`,
    '',
    options.join(''),
  ].join('\n');
}
