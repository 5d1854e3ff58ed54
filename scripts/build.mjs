#!/usr/bin/env node
// Builds dist/ from src/: one file for each entry point, and chunks of what they share. A process that starts with a
// handful of files is ready in half the time of one that looks for three hundred; types are checked by `npm run typecheck`.
import { chmodSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What is started by name; everything else comes in by imports. */
const ENTRIES = ['src/cli/main.ts', 'src/dataplane/userspace/worker-main.ts'];

rmSync(`${root}/dist`, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ENTRIES,
  outdir: 'dist',
  outbase: 'src',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // They find their binaries beside their own files.
  packages: 'external',
  chunkNames: 'chunks/[name]-[hash]',
  sourcemap: 'linked',
  logLevel: 'warning',
});
chmodSync(`${root}/dist/cli/main.js`, 0o755);
