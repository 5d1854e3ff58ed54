// Runs the compiled lab tests in this process. Started by run.mjs, in the guest or on the host:
//
//   node test/lab/suite.mjs kernel|systemd|randmap all [PATTERN]     what lies in the folder of that name; kernel: here
//   node test/lab/suite.mjs kernel asking                            one file after the other, as the host hands them out
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Mocha from 'mocha';
import EventReporter from '../../scripts/lib/reporter.mjs';
import { GUEST_RESULTS } from './boot/qemu.mjs';
import { filesOf, NEXT_FILE } from './files.mjs';

/** An emulated processor on a busy machine is slow: a test here fails by its own awaited conditions, hardly by this. */
const TIMEOUT_MS = 300_000;

const compiled = fileURLToPath(new URL('../../build/test/lab', import.meta.url));
const [suite = 'kernel', mode, pattern] = process.argv.slice(2);

/** @param {readonly string[]} files @returns {Promise<number>} how many tests failed */
async function run(files) {
  const mocha = new Mocha({ reporter: EventReporter, timeout: TIMEOUT_MS, slow: 1_000, forbidOnly: true });
  if (pattern !== undefined) mocha.grep(new RegExp(pattern));
  for (const name of files) mocha.addFile(join(compiled, name));
  await mocha.loadFilesAsync();
  const failures = await new Promise((resolve) => mocha.run(resolve));
  // Its listeners on the process would come to be one more with each file.
  mocha.dispose();
  return failures;
}

/** As long as the host has another file. @returns {Promise<number>} how many tests failed */
async function runAsking() {
  let failures = 0;
  for (let file = nextFile(); file !== ''; file = nextFile()) failures += await run([file]);
  return failures;
}

/** Waits for it. Held open no longer than that: a port can be open once, and the reporter opens it for each event. */
function nextFile() {
  const port = openSync(GUEST_RESULTS, 'r+');
  writeSync(port, `${NEXT_FILE}\n`);
  const byte = Buffer.alloc(1);
  let line = '';
  while (readSync(port, byte) === 1 && byte.toString() !== '\n') line += byte.toString();
  closeSync(port);
  return line;
}

const failures = await (mode === 'asking' ? runAsking() : run(filesOf(compiled, suite)));
// What a test left open must not keep the machine on.
process.exit(failures > 0 ? 1 : 0);
