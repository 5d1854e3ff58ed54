import { EXIT_CODES, GROUPS, OPTION_NAMES, specOf, type OptionName } from '../config/index.js';
import { HELP_WIDTH, optionText, wrap } from './layout.js';
import { PROGRAM } from './program.js';

const CONFIG_FILES = `A configuration file has one option a line: its name (hyphens may be left out), then blanks or '=', \
then the value, unquoted and up to the end of the line. Lines that begin with '#' are comments. Options of the files \
come before those of the command line, which therefore win; a file is read for its own options only.`;

/** The text of `--help`, made from the option table and from the table of exit codes. */
export function helpText(): string {
  const groups = GROUPS.map((group) => {
    const names = OPTION_NAMES.filter((name) => specOf(name).group === group);
    return `${group}:\n${names.map(optionLines).join('')}`;
  });
  const codes = Object.values(EXIT_CODES).map(({ code, meaning }) => `  ${String(code).padStart(3)}  ${meaning}\n`);
  return [
    `usage: ${PROGRAM} [-c|-s] [OPTION]...\n       ${PROGRAM} doctor [-c|-s] [--json] [OPTION]...\n       ${PROGRAM} randmap add|show|delete|flush …   (${PROGRAM} randmap --help)\n       ${PROGRAM} egress show|rotate|ban|unban …      (${PROGRAM} egress --help)\n`,
    `${wrap('Authenticated, roaming IPIP-over-UDP tunnels. N is the number of the tunnel; brackets hold defaults.', HELP_WIDTH).join('\n')}\n`,
    ...groups,
    `Configuration files:\n${wrap(CONFIG_FILES, HELP_WIDTH - 2)
      .map((line) => `  ${line}\n`)
      .join('')}`,
    `Exit codes:\n${codes.join('')}`,
  ].join('\n');
}

function optionLines(name: OptionName): string {
  const { short, metavar, help } = specOf(name);
  return optionText({ name, short, metavar, help: `${help}${defaultPart(name)}` });
}

function defaultPart(name: OptionName): string {
  const { default: value, defaultWords } = specOf(name);
  const parts = [value, defaultWords].filter((part) => part !== undefined);
  return parts.length === 0 ? '' : ` [${parts.join(' = ')}]`;
}
