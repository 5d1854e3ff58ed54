#!/usr/bin/env node
// Compiles assembly/ to dist/dataplane/userspace/packets.wasm.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = join('dist', 'dataplane', 'userspace', 'packets.wasm');
/** MEMORY_PAGES of assembly/layout.ts. */
const pages = '51';

process.chdir(root);
mkdirSync(dirname(target), { recursive: true });
const { error, stderr } = await asc.main([
  'assembly/index.ts',
  ...['--outFile', target],
  ...['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--enable', 'bulk-memory'],
  ...['--importMemory', '--initialMemory', pages, '--maximumMemory', pages],
]);
if (error !== null) {
  console.error(stderr.toString());
  process.exit(1);
}
