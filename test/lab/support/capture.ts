import type { Namespace } from './namespace.js';
import { start } from './running.js';
import type { Running } from './running.js';
import type { Scope } from './scope.js';

/** Packets seen on a device, one line of tcpdump each. */
export class Capture {
  readonly #process: Running;

  constructor(process: Running) {
    this.#process = process;
  }

  get lines(): string[] {
    return this.#process.log.split('\n').filter((line) => /^\d+\.\d+ /.test(line));
  }

  get count(): number {
    return this.lines.length;
  }

  /** Ends it; what was on the wire before is counted. */
  async stop(): Promise<number> {
    await this.#process.kill('SIGINT');
    return this.count;
  }
}

/** Resolves when tcpdump sees packets: none sent after that is missed. `filter` is a pcap-filter(7) expression. */
export async function startCapture(scope: Scope, ns: Namespace, device: string, filter: string): Promise<Capture> {
  const process = start(scope, ns, ['tcpdump', '-i', device, '-n', '-tt', '-l', '--immediate-mode', filter]);
  await process.waitForLog(/listening on /);
  return new Capture(process);
}
