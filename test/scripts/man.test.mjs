import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'mocha';
import { whereIs } from '../../scripts/lib/debian.mjs';
import { manPage, PAGE } from '../../scripts/man.mjs';
import { EXIT_CODES, OPTION_NAMES, specOf } from '../../src/config/index.ts';
import { skipBecause } from '../support/skip.ts';

const page = readFileSync(PAGE, 'utf8');

/** The page as a terminal shows it. @param {string[]} options */
function groff(...options) {
  const { stdout, stderr } = spawnSync('groff', ['-ww', '-man', ...options, fileURLToPath(PAGE)], { encoding: 'utf8' });
  return { stdout, stderr };
}

describe('the manual page', () => {
  it('is what npm run man makes of the tables as they are now', () => {
    assert.equal(page, manPage());
  });

  it('has every section, in the usual order', () => {
    assert.deepEqual(
      [...page.matchAll(/^\.SH (.*)$/gm)].map(([, name]) => name),
      [
        ...[
          'NAME',
          'SYNOPSIS',
          'DESCRIPTION',
          'COMMANDS',
          'OPTIONS',
          'EGRESS',
          'RANDMAP',
          'CONFIGURATION FILES',
          'SIGNALS',
        ],
        ...['EXIT STATUS', 'ENVIRONMENT', 'FILES', 'NAMES', 'EXAMPLES', 'SECURITY', 'SEE ALSO'],
      ],
    );
  });

  it('is ASCII, so that no terminal shows it wrong', () => {
    assert.doesNotMatch(page, /[^\n\x20-\x7e]/);
  });

  it('is formatted without a warning', function () {
    if (whereIs('groff') === undefined) skipBecause(this, 'needs groff');
    assert.equal(groff('-z').stderr, '');
  });

  it('shows every option and every exit code to the reader', function () {
    if (whereIs('groff') === undefined) skipBecause(this, 'needs groff');
    const shown = groff('-Tascii', '-P-cbou')
      .stdout.replace(/-\n\s+/g, '')
      .replace(/\s+/g, ' ');
    for (const name of OPTION_NAMES) {
      const { short, metavar } = specOf(name);
      const left = `${short === undefined ? '' : `-${short}, `}--${name}${metavar === undefined ? '' : ` ${metavar}`} `;
      assert.ok(shown.includes(left), left);
    }
    for (const { code, meaning } of Object.values(EXIT_CODES)) {
      assert.ok(shown.includes(` ${code} ${meaning.slice(0, 1).toUpperCase()}${meaning.slice(1, 12)}`), meaning);
    }
  });
});
