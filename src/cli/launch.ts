#!/usr/bin/env node
/**
 * Starts main.js, the whole program in one script, from what V8 compiled it to when it was built: a start takes a third
 * less. Another version of Node.js does not take that cache, and compiles the script as it would any other.
 */
import './early-signals.js';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

/** By the build. V8 itself would run a cache that is damaged, another script's, or another processor's. */
declare const BUILT: {
  /** Version and architecture of the Node.js that made the cache. */
  readonly by: string;
  /** The SHA-256 of the script and the cache, in hex. */
  readonly hash: string;
};

const here = dirname(fileURLToPath(import.meta.url));
const filename = join(here, 'main.js');

function cacheOf(script: Buffer): Buffer | undefined {
  if (BUILT.by !== `${process.version} ${process.arch}`) return undefined;
  try {
    const cache = readFileSync(join(here, 'main.cache'));
    const found = createHash('sha256').update(script).update(cache).digest('hex');
    return found === BUILT.hash ? cache : undefined;
  } catch {
    return undefined;
  }
}

function start(source: Buffer): void {
  const cachedData = cacheOf(source);
  const script = new Script(source.toString(), { filename, ...(cachedData !== undefined && { cachedData }) });
  const program = script.runInThisContext() as (require: NodeJS.Require, filename: string) => void;
  program(createRequire(filename), filename);
}

function read(): Buffer | undefined {
  try {
    return readFileSync(filename);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    process.stderr.write(`error: the program is incomplete (${why}): install the package anew\n`);
    return undefined;
  }
}

const source = read();
if (source === undefined) process.exitCode = 1;
else start(source);
