import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { EXIT_CODES, OPTION_NAMES, specOf } from '../../src/config/index.js';
import { parseConfFile } from '../../src/config/conf-file.js';

const text = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
  readonly engines: { readonly node: string };
  readonly scripts: Record<string, string>;
  readonly version: string;
};

/** What stands below a heading, up to the next one of the same rank or a higher one; `# …` is a comment in an example. */
function section(heading: string): string {
  const rank = heading.indexOf(' ');
  const lines = text.split('\n');
  const from = lines.indexOf(heading);
  assert.ok(from >= 0, heading);
  const length = lines.slice(from + 1).findIndex((line) => /^#{2,} /.test(line) && line.indexOf(' ') <= rank);
  return lines.slice(from, length < 0 ? undefined : from + 1 + length).join('\n');
}

const namesIn = (part: string, pattern: RegExp): string[] => [...part.matchAll(pattern)].map(([, name]) => name!);
const sorted = (names: Iterable<string>): string[] => [...new Set(names)].sort();

describe('README', () => {
  it('lists every option by task, by its long name', () => {
    const listed = namesIn(section('## Options by task'), /--([a-z][a-z0-9-]+)/g);
    assert.deepEqual(sorted(listed), sorted(OPTION_NAMES));
  });

  it('lists every short option, and no other', () => {
    const listed = namesIn(section('## Options by task'), /`-([a-z])\b/g);
    assert.deepEqual(sorted(listed), sorted(OPTION_NAMES.flatMap((name) => specOf(name).short ?? [])));
  });

  it('lists the exit codes as they are', () => {
    const rows = section('## Exit codes').matchAll(/^\| (\d+) +\| (.*?) +\|$/gm);
    assert.deepEqual(
      [...rows].map(([, code, meaning]) => ({ code: Number(code), meaning })),
      Object.values(EXIT_CODES),
    );
  });

  it('gives a reason for every dependency, and for no other', () => {
    const reasons = section('### Dependencies, and why')
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    const named = namesIn(reasons.join('\n'), /`([^`]+)`/g);
    const { dependencies, devDependencies } = manifest;
    assert.deepEqual(sorted(named), sorted([...Object.keys(dependencies), ...Object.keys(devDependencies)]));
  });

  it('says what every folder of the sources has', () => {
    const named = namesIn(section('### Where is what'), /^\| `src\/([a-z]+)`/gm);
    assert.deepEqual(sorted(named), readdirSync(new URL('../../src', import.meta.url)).sort());
  });

  it('shows a configuration file that is one', () => {
    const [, example] = /```text\n([^`]*)```/.exec(section('## Configuration files')) ?? [];
    const { options, fault } = parseConfFile(Buffer.from(example ?? ''), 'README.md');
    assert.equal(fault, undefined);
    assert.equal(options.length, 4);
  });

  it('names scripts, versions and files that exist', () => {
    for (const name of namesIn(text, /npm run (\w+)/g)) assert.ok(name in manifest.scripts, name);
    assert.ok(text.includes(`ipipou-ts-${manifest.version}.tgz`));
    assert.equal(`>=${/(\d+\.\d+) or later/.exec(text)?.[1] ?? ''}`, manifest.engines.node);
    for (const path of namesIn(text, /\]\(([^)#:]+)\)/g))
      assert.ok(existsSync(new URL(`../../${path}`, import.meta.url)), path);
    for (const path of namesIn(text, /`(src\/[\w/-]+\.ts)`/g))
      assert.ok(existsSync(new URL(`../../${path}`, import.meta.url)), path);
  });
});
