import { arch, release } from 'node:os';
import { missingCapabilities } from '../../dataplane/common/capabilities.js';
import { libc } from '../../sys/libc.js';
import type { HostFacts } from '../facts.js';
import { placeOfModule, readText } from './proc.js';

/** Modules that the planes need, by the names of their files. */
export const MODULES = [
  ...['fou', 'ipip', 'sit', 'dummy', 'nf_tables', 'nft_queue', 'nfnetlink_queue', 'nft_fib_ipv4', 'nft_limit', 'tun'],
] as const;

/** The kernel, the C library and this process. Reads files, changes nothing. */
export function probeHost(): HostFacts {
  const folder = `/lib/modules/${release()}`;
  const lists = {
    loaded: readText('/proc/modules'),
    builtin: readText(`${folder}/modules.builtin`),
    files: readText(`${folder}/modules.dep`),
  };
  return {
    kernelRelease: release(),
    architecture: arch(),
    glibc: glibcVersion(),
    nativeFault: nativeFault(),
    missingCapabilities: missingCapabilities(readText('/proc/self/status') ?? '', ['CAP_NET_ADMIN', 'CAP_NET_RAW']),
    modules: Object.fromEntries(MODULES.map((name) => [name, placeOfModule(name, lists)])),
  };
}

/** As Node.js itself reports it. */
function glibcVersion(): string | undefined {
  // Otherwise it looks up the names of all addresses that the process is connected to. Node's types don't know it yet.
  const report = Object.assign(process.report, { excludeNetwork: true });
  const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime;
}

function nativeFault(): string | undefined {
  try {
    libc();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
