#!/usr/bin/env node
// Builds dist/ from src/: one script for each thread, since a process that starts with a handful of files is ready in half
// the time of one that looks for three hundred; and beside the program what V8 makes of it, which the launcher starts from.
// Types are checked by `npm run typecheck`.
import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { build } from 'esbuild';
import { BUILT_BY } from './lib/freshness.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = `${root}/dist`;
const program = `${dist}/cli/main.js`;

/** @type {import('esbuild').BuildOptions} */
const COMMON = {
  absWorkingDir: root,
  outdir: 'dist',
  outbase: 'src',
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20.19',
  // They find their binaries beside their own files.
  packages: 'external',
  define: { 'import.meta.url': 'importMetaUrl' },
  logLevel: 'warning',
};
/** What an ES module has by itself: strict mode, which must be asked for before anything else, and its own place. */
const AS_IN_A_MODULE = `'use strict'; const importMetaUrl = require('node:url').pathToFileURL(__filename).href;`;

rmSync(dist, { recursive: true, force: true });
// A function of its own, as the launcher calls it.
await build({
  ...COMMON,
  entryPoints: ['src/cli/main.ts'],
  banner: { js: `(function (require, __filename) { ${AS_IN_A_MODULE}` },
  footer: { js: '})' },
});
await build({
  ...COMMON,
  entryPoints: ['src/cli/launch.ts', 'src/dataplane/userspace/worker-main.ts'],
  banner: { js: AS_IN_A_MODULE },
  define: { ...COMMON.define, BUILT: JSON.stringify(compile(program)) },
});
chmodSync(`${dist}/cli/launch.js`, 0o755);
// The package's own says "module".
writeFileSync(`${dist}/package.json`, `${JSON.stringify({ type: 'commonjs', builtBy: BUILT_BY })}\n`);

/**
 * Writes the cache: all functions, also those that V8 would compile at their first call.
 * @param {string} file
 * @returns {{ by: string, hash: string }} what the launcher asks for
 */
function compile(file) {
  const source = readFileSync(file, 'utf8');
  setFlagsFromString('--no-lazy');
  const script = new Script(source, { filename: file });
  setFlagsFromString('--lazy'); // the cache is taken only where the flags are those it was made with
  const cache = script.createCachedData();
  writeFileSync(file.replace(/js$/, 'cache'), cache);
  return { by: BUILT_BY, hash: createHash('sha256').update(source).update(cache).digest('hex') };
}
