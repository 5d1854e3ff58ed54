// KVM or emulation. A /dev/kvm that opens may still fail on the guest's first instructions (nested machines), so it
// counts as a wish: run.mjs tries it, and a failure is remembered until the host boots again.
import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheFolder } from './kernel.mjs';

const memory = () => join(cacheFolder(), 'kvm-failed');
const bootId = () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');

/** What to try, best first; LAB_ACCEL=kvm, tcg or icount (see qemu.mjs) leaves no choice. @returns {string[]} */
export function accelerators() {
  const asked = process.env.LAB_ACCEL;
  if (asked !== undefined) return [asked];
  return canOpenKvm() && !hasFailed() ? ['kvm', 'tcg'] : ['tcg'];
}

export function rememberKvmFailure() {
  mkdirSync(dirname(memory()), { recursive: true });
  writeFileSync(memory(), bootId());
}

function hasFailed() {
  try {
    return readFileSync(memory(), 'utf8') === bootId();
  } catch {
    return false;
  }
}

function canOpenKvm() {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
