import assert from 'node:assert/strict';
import {
  EXIT_CODES,
  GROUPS,
  OPTION_NAMES,
  RANDMAP_OPTION_NAMES,
  randmapOption,
  specOf,
} from '../../src/config/index.js';
import { helpText } from '../../src/cli/help.js';
import { randmapHelp } from '../../src/cli/randmap-help.js';
import { HELP_WIDTH } from '../../src/cli/layout.js';

/** With all breaks and indentation taken for one blank. */
const flowing = helpText().replace(/\s+/g, ' ');

describe('help text of randmap', () => {
  it('has one line of 100 columns at most for each option', () => {
    const lines = randmapHelp().split('\n');
    for (const name of RANDMAP_OPTION_NAMES) {
      const { help } = randmapOption(name);
      const own = lines.filter((line) => line.includes(`--${name} `));
      assert.ok(
        own.some((line) => line.endsWith(` ${help}`) && line.length <= HELP_WIDTH),
        name,
      );
    }
  });
});

describe('help text', () => {
  it('fits a terminal of 100 columns', () => {
    assert.equal(HELP_WIDTH, 100);
    for (const line of helpText().split('\n')) assert.ok(line.length <= HELP_WIDTH, line);
  });

  it('has no blanks at the end of lines, and one line feed at its own', () => {
    assert.doesNotMatch(helpText(), /[ \t]\n/);
    assert.match(helpText(), /[^\n]\n$/);
  });

  for (const name of OPTION_NAMES) {
    it(`tells of --${name} in one line, with its default`, () => {
      const { short, metavar, help, default: value, defaultWords } = specOf(name);
      const left = `${short === undefined ? '' : `-${short}, `}--${name}${metavar === undefined ? '' : ` ${metavar}`}`;
      const [line, ...others] = helpText()
        .split('\n')
        .filter((one) => one.trimStart().startsWith(`${left} `));
      assert.deepEqual(others, []);
      const fallback = [value, defaultWords].filter((part) => part !== undefined).join(' = ');
      assert.equal(line?.trimStart().slice(left.length).trimStart(), fallback === '' ? help : `${help} [${fallback}]`);
    });
  }

  it('has every group, in order, with every option in its own', () => {
    const headings = helpText().match(/^\S.*:$/gm);
    assert.deepEqual(headings, [...GROUPS.map((group) => `${group}:`), 'Configuration files:', 'Exit codes:']);
  });

  it('has every exit code with its meaning', () => {
    for (const { code, meaning } of Object.values(EXIT_CODES))
      assert.ok(flowing.includes(` ${code} ${meaning} `) || flowing.trimEnd().endsWith(`${code} ${meaning}`));
  });
});
