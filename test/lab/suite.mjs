// Runs the compiled lab tests in this process. Started by run.mjs, in the guest or on the host:
//
//   node test/lab/suite.mjs kernel|systemd|egress SHARE [PATTERN]      what lies in the folder of that name; kernel: here
//
// SHARE is the part of the suite's files that is wanted: 1/1 is all of them; see shares.mjs.
import { readdirSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import Mocha from 'mocha';
import EventReporter from '../../scripts/lib/reporter.mjs';
import { filesOf } from './shares.mjs';

/** An emulated processor on a busy machine is slow: a test here fails by its own awaited conditions, hardly by this. */
const TIMEOUT_MS = 300_000;

/** @param {string} name a path in this folder */
const suiteOf = (name) => (name.includes(sep) ? name.split(sep)[0] : 'kernel');

const compiled = fileURLToPath(new URL('../../build/test/lab', import.meta.url));
const [suite, share = '1/1', pattern] = process.argv.slice(2);

const mocha = new Mocha({ reporter: EventReporter, timeout: TIMEOUT_MS, slow: 1_000, forbidOnly: true });
if (pattern !== undefined) mocha.grep(new RegExp(pattern));
const files = readdirSync(compiled, { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.test.js') && suiteOf(name) === suite,
);
for (const name of filesOf(files, share)) mocha.addFile(join(compiled, name));
await mocha.loadFilesAsync();
// What a test left open must not keep the machine on.
mocha.run((failures) => process.exit(failures > 0 ? 1 : 0));
