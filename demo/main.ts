/**
 * The demo itself: a server, a NAT router and a client as network namespaces, with the program as it is shipped in them.
 * `npm run demo` starts it where the kernel has what it takes, as root; `--data-plane` is handed on to both daemons. Ends
 * with exit code 0 when all went well, 1 when a step failed, and 128 and the signal's number when a signal ended it;
 * nothing is left in any case.
 */
import { constants, release } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { exec, Scope } from '../test/lab/support/index.js';
import { makeScreen, wantsColour } from './screen.js';
import { withoutStamp, type Stage } from './stage.js';
import { StepFailed, tellStory } from './story.js';

const TAIL_LINES = 15;
/** How long a step may take to notice that it was interrupted. */
const GRACE_MS = 2000;

const { values } = parseArgs({ options: { 'data-plane': { type: 'string', default: 'auto' } } });
const plane = values['data-plane'];

const screen = makeScreen(
  (text) => process.stdout.write(text),
  wantsColour(process.stdout, process.env),
  () => performance.now(),
);
const scope = new Scope();
const interruption = new AbortController();
let stage: Stage | undefined;

const interrupted = new Promise<NodeJS.Signals>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) {
    process.on(signal, () => {
      interruption.abort();
      resolve(signal);
    });
  }
  // Who read what is shown has gone: `npm run demo | head`.
  process.stdout.on('error', () => {
    interruption.abort();
    resolve('SIGPIPE');
  });
});

screen.plain(`ipipou-ts on Linux ${release()}, Node.js ${process.versions.node}`);
const story = tellStory(
  screen,
  scope,
  plane === 'auto' ? [] : ['--data-plane', plane],
  (built) => {
    stage = built;
  },
  interruption.signal,
).then(
  () => 0,
  (error: unknown) => (interruption.signal.aborted ? 0 : reportFailure(error)),
);
const ending = await Promise.race([story, interrupted]);
let exitCode = typeof ending === 'number' ? ending : 128 + constants.signals[ending];
if (typeof ending === 'string') {
  screen.failed(`${ending}: cleaning up`);
  // Hosts that are just being made are waited for: only then they can be undone.
  await (stage === undefined ? story : Promise.race([story, delay(GRACE_MS)]));
}
exitCode = (await cleanUp()) ? exitCode : Math.max(exitCode, 1);
if (exitCode === 0) {
  const carried = /data plane: (\w+)/.exec(stage?.daemons.get('server')?.log ?? '')?.[1];
  const other = carried === 'userspace' ? 'kernel' : 'userspace';
  screen.plain(`\nThis was the ${carried} data plane; the other one: npm run demo -- --data-plane ${other}`);
  screen.plain('All of it worked.');
}
process.exit(exitCode);

function reportFailure(error: unknown): number {
  const cause = error instanceof StepFailed ? error.cause : error;
  const said = cause instanceof Error ? cause.message : String(cause);
  screen.failed(error instanceof StepFailed ? error.message : 'The demo itself failed.');
  screen.note(said.split('\n')[0] ?? '');
  for (const [side, daemon] of stage?.daemons ?? []) {
    screen.plain('');
    screen.note(`the last the ${side} said:`);
    const lines = daemon.log.trimEnd().split('\n').slice(-TAIL_LINES);
    screen.said(side, lines.map(withoutStamp).join('\n'));
  }
  return 1;
}

async function cleanUp(): Promise<boolean> {
  const hosts = stage === undefined ? [] : Object.values({ ...stage.net }).map(({ name }) => name);
  try {
    await scope.close();
    const { stdout } = await exec(['ip', 'netns', 'list']);
    const left = hosts.filter((name) => stdout.split(/\s+/).includes(name));
    if (left.length > 0) throw new Error(`these namespaces are left: ${left.join(', ')}`);
  } catch (error) {
    screen.failed(`Cleaning up failed: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
  screen.plain('');
  screen.seen('the namespaces are gone, and every process that was started in them');
  return true;
}
