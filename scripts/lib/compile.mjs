// Compiles what runs beside the program itself (lab tests, demo, bench) from TypeScript, file by file into build/, with
// the sources that it imports. Types are checked by `npm run typecheck`.
import { cpSync, rmSync } from 'node:fs';

/** @param {string} root Rejects where a file does not parse; esbuild has said where by then. */
export async function compileTests(root) {
  // It is there only once the packages are installed, which whoever asks may have done just now.
  const { build } = await import('esbuild');
  rmSync(`${root}/build`, { recursive: true, force: true });
  await build({
    absWorkingDir: root,
    entryPoints: ['src/**/*.ts', 'test/**/*.ts', 'demo/**/*.ts', 'bench/**/*.ts'],
    outdir: 'build',
    outbase: '.',
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    sourcemap: 'linked',
    logLevel: 'warning',
  });
  cpSync(`${root}/package.json`, `${root}/build/package.json`);
}
