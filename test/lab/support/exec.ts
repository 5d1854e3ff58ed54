import { spawn } from 'node:child_process';
import { endsWithUs } from './living.js';

export interface ExecResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecOptions {
  /** Written to the command's standard input, which is then closed. */
  readonly input?: string;
  /** Resolve with the exit code whatever it is, instead of rejecting when it isn't 0. */
  readonly mayFail?: boolean;
}

/** A command ended with another code than 0; the message holds what it wrote. */
export class CommandFailed extends Error {
  readonly result: ExecResult;

  constructor(argv: readonly string[], input: string | undefined, result: ExecResult) {
    const fed = input === undefined ? '' : `\nstdin:\n${input}`;
    super(`${argv.join(' ')}: exit code ${result.code}\n${result.stderr}${result.stdout}${fed}`);
    this.name = 'CommandFailed';
    this.result = result;
  }
}

/** Runs a command to its end. A command killed by a signal has code 128. */
export function exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0]!, argv.slice(1), { stdio: 'pipe' });
    endsWithUs(child);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    // A command that ends without reading its input is judged by its exit code.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.on('error', reject);
    child.on('close', (status) => {
      const result = { code: status ?? 128, stdout, stderr };
      if (result.code === 0 || options.mayFail === true) resolve(result);
      else reject(new CommandFailed(argv, options.input, result));
    });
  });
}
