/** The story in its order: what is done, and in which words a step fails. */
import { exec, type Scope } from '../test/lab/support/index.js';
import { takeInventory } from './inventory.js';
import type { Screen } from './screen.js';
import { Stage } from './stage.js';
import { forgetMapping } from './steps/forgetful-nat.js';
import { makeKeys } from './steps/keys.js';
import { moveClient, moveRouter } from './steps/move.js';
import { replay } from './steps/replay.js';
import { rotate } from './steps/rotate.js';
import { countPings, stop } from './steps/stop.js';
import { authenticate, pingThrough, startClient, startServer } from './steps/up.js';

/** Loaded, where there are such, before anything is looked at: `ipip` brings a device of its own into every namespace. */
const MODULES = ['fou', 'ipip', 'dummy', 'nft_queue', 'nfnetlink_queue'];

const PICTURE = `
           client 10.9.1.2 ── 10.9.1.1 [ NAT router ] 10.9.2.1 ──┬── 10.9.2.2 server
                                                                 └── 10.9.2.66 a stranger`;

/** A step did not do what it should; the message says so in a plain sentence. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
}

/** `onStage` is told of the hosts as soon as they are there, `interrupted` is looked at between two steps. */
export async function tellStory(
  screen: Screen,
  scope: Scope,
  planeArgs: readonly string[],
  onStage: (stage: Stage) => void,
  interrupted: AbortSignal,
): Promise<void> {
  async function step<T>(title: string, failure: string, work: () => Promise<T>): Promise<T> {
    interrupted.throwIfAborted();
    screen.title(title);
    try {
      return await work();
    } catch (cause) {
      interrupted.throwIfAborted();
      throw new StepFailed(failure, { cause });
    }
  }

  const stage = await step('Hosts: network namespaces on this kernel', 'The hosts could not be set up.', async () => {
    await exec(['modprobe', '-a', ...MODULES], { mayFail: true });
    const built = await Stage.build(screen, scope, planeArgs);
    onStage(built);
    screen.plain(`${PICTURE}\n`);
    screen.seen('the hosts are there, and the server has no route to what is behind the router');
    return built;
  });
  const { net } = stage;
  const keys = await step('Keys', 'The keys could not be made.', () => makeKeys(stage));
  const before = await step('A look around before the start', 'The hosts could not be looked at.', async () => {
    const found = { server: await takeInventory(net.server), client: await takeInventory(net.client) };
    screen.seen('noted which devices, FOU listeners and nftables tables there are, to compare with at the end');
    return found;
  });
  await step('Server', 'The server did not start.', () => startServer(stage, keys));
  await step('Client', 'The client did not start.', () => startClient(stage, keys));
  await step('The tunnel comes up', 'The client could not authenticate.', () => authenticate(stage));
  const pings = await step('Ping through the tunnel', 'Nothing passes the tunnel.', () => pingThrough(stage));
  await step('The client moves to another address', 'The tunnel did not follow the client to its new address.', () =>
    moveClient(stage, pings),
  );
  await step('The router gets another public address and port', 'The tunnel did not follow the router.', () =>
    moveRouter(stage, pings),
  );
  await step('The NAT forgets its mapping', 'The keepalive did not repair what the NAT forgot.', () =>
    forgetMapping(stage, pings),
  );
  await step('A captured auth packet is sent again', 'The replayed packet was not refused as it should be.', () =>
    replay(stage, pings),
  );
  await step(
    'The server chooses the address that traffic leaves from',
    'Traffic does not leave from the pool as it should.',
    () => rotate(stage),
  );
  await step('The ping is counted', 'The pings could not be counted.', () => countPings(stage, pings));
  await step('Both stop, and nothing is left', 'The tunnel was not taken down completely.', () => stop(stage, before));
}
