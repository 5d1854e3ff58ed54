// The virtual machine: its command line, and its channels as streams.
//
//   fd 3  serial console: the kernel's own words            (guest: ttyS0)
//   fd 4  the command's terminal, both directions           (guest: hvc0)
//   fd 5  control: "up", "exit N"                           (guest: /dev/virtio-ports/control)
//   fd 6  results: whatever the command writes there        (guest: /dev/virtio-ports/results)
import { spawn } from 'node:child_process';
import { withSbin } from '../../../scripts/lib/run.mjs';

/** The path inside the guest whose lines come back as results. */
export const GUEST_RESULTS = '/dev/virtio-ports/results';

const MEMORY_MIB = 2048;

/**
 * Quiet until something is wrong; a panic ends the machine at once; no clock watchdogs, for emulation may stall; no memory
 * wiped before it is used, for emulation is slow.
 */
const CMDLINE = [
  'console=ttyS0',
  'loglevel=4',
  'oops=panic',
  'panic=-1',
  'nowatchdog',
  'rcupdate.rcu_cpu_stall_suppress=1',
  'random.trust_cpu=on',
  'mitigations=off',
  'cryptomgr.notests',
  'init_on_alloc=0',
  'no_timer_check',
  'tsc=reliable',
  'apparmor=0',
  'audit=0',
  'net.ifnames=0',
];

// Emulated, AVX is slower than what it replaces: a start of node takes a third less without it.
const EMULATED = ['-cpu', 'Nehalem'];

/**
 * `icount`: emulated, and each instruction takes 2^4 ns of the machine's time, whatever else the host does: what is
 * measured in it does not scatter.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
const ACCELERATION = {
  tcg: ['-accel', 'tcg,thread=multi', ...EMULATED],
  icount: ['-accel', 'tcg,thread=single', '-icount', 'shift=4,sleep=off', ...EMULATED],
};

/**
 * @typedef {{ image: string, initramfs: string, accelerator: string, processors: number, niceness: number }} MachineSetup
 * @param {MachineSetup} setup
 * @returns {{ process: import('node:child_process').ChildProcess, console: import('node:net').Socket,
 *   complaints: import("node:stream").Readable,
 *   terminal: import('node:net').Socket, control: import('node:net').Socket, results: import('node:net').Socket }}
 */
export function startMachine(setup) {
  // The machine must not outlive us, however we end: the kernel kills it then (prctl(2), PR_SET_PDEATHSIG).
  const niceness = ['-n', String(setup.niceness)];
  const endingWithUs = ['setpriv', '--pdeathsig', 'KILL'];
  const child = spawn('nice', [...niceness, ...endingWithUs, 'qemu-system-x86_64', ...machineArguments(setup)], {
    env: withSbin(),
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
  });
  const [, , complaints, console, terminal, control, results] = /** @type {any[]} */ (child.stdio);
  return { process: child, complaints, console, terminal, control, results };
}

/** @param {MachineSetup} setup */
function machineArguments({ image, initramfs, accelerator, processors }) {
  const socket = (/** @type {string} */ id, /** @type {number} */ fd) => ['-chardev', `socket,id=${id},fd=${fd}`];
  return [
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-machine', 'q35,usb=off,vmport=off'],
    ...(ACCELERATION[accelerator] ?? ['-accel', accelerator, '-cpu', 'max']),
    ...['-smp', String(accelerator === 'icount' ? 1 : processors)],
    ...['-m', String(MEMORY_MIB), '-rtc', 'base=utc'],
    ...['-kernel', image, '-initrd', initramfs, '-append', CMDLINE.join(' ')],
    ...['-fsdev', 'local,id=root,path=/,security_model=none,multidevs=remap,readonly=on'],
    ...['-device', 'virtio-9p-pci,fsdev=root,mount_tag=host', '-device', 'virtio-rng-pci'],
    ...[...socket('console', 3), '-serial', 'chardev:console'],
    ...['-device', 'virtio-serial-pci,max_ports=4'],
    ...[...socket('control', 5), '-device', 'virtserialport,chardev=control,name=control'],
    ...[...socket('results', 6), '-device', 'virtserialport,chardev=results,name=results'],
    ...[...socket('terminal', 4), '-device', 'virtconsole,chardev=terminal'],
  ];
}
