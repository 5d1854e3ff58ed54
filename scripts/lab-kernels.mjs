#!/usr/bin/env node
// Runs the kernel suite on every kernel the project promises to work on, one after the other.
//
//   node scripts/lab-kernels.mjs [-g PATTERN]
import { fileURLToPath } from 'node:url';
import { LAB_KERNELS } from '../test/lab/boot/kernel.mjs';
import { stream, withSbin } from './lib/run.mjs';

const suite = fileURLToPath(new URL('../test/lab/run.mjs', import.meta.url));

/** @type {string[]} */
const results = [];
for (const version of LAB_KERNELS) {
  console.log(`\n== Linux ${version}`);
  const env = { ...withSbin(), LAB_KERNEL: version };
  const passed = await stream(process.execPath, [suite, ...process.argv.slice(2)], { env });
  results.push(`${version}: ${passed ? 'passed' : 'failed'}`);
  if (!passed) process.exitCode = 1;
}
console.log(`\n${results.join(', ')}`);
