import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { namespace, suiteScope, type Namespace } from './support/index.js';
import { natTunnel, type NatTunnel } from './support/tunnel.js';
import { SERVER_OUTER } from './support/wan.js';

/** Sets that packets fill, not the daemon. */
const FILLED_BY_PACKETS = ['bound-rates', 'source-rates'];

/** What tells one namespace from another, or one minute from the next, and not by which commands it was set up. */
const VOLATILE = ['handle', 'expires', 'ifindex', 'packets', 'bytes'];
const HARDWARE_ADDRESS = /^(..:){5}..$/;

/** What both sides authenticate by; a log shows nothing of it. */
const TOKEN = Buffer.from('jackdaws love my sphinx');
const BY_TOKEN = ['--auth-token', TOKEN.toString(), '-v'];
/** A server's lines leave the token open, a client's that of the answer, which is the token reversed. */
const DEFINITION = `define token = 0x${TOKEN.subarray(0, 16).toString('hex')}`;

type Json = Record<string, unknown>;

/**
 *     client ── [ NAT ] ── switch ── server ‑‑‑ its log ‑‑▶ ip, nft ‑‑▶ replica, which has the same outer device
 */
describe('the commands in the log of a server', () => {
  const scope = suiteScope();
  let server: Namespace;
  let replica: Namespace;
  let tunnel: NatTunnel;
  let authenticatedAt: number;

  before(async () => {
    [tunnel, replica] = await Promise.all([
      natTunnel(scope, { args: BY_TOKEN }, { args: BY_TOKEN }),
      namespace(scope, 'replica'),
    ]);
    server = tunnel.net.server;
    await replica.ip('link add wan type dummy', `addr add ${SERVER_OUTER}/24 dev wan`, 'link set wan up');
  });

  /** Runs them in the replica, in the order they were logged. */
  async function replay(log: string): Promise<string[]> {
    const commands = [...log.matchAll(/ DEBUG ((ip|nft) .+)$/gm)].map(([, command = '']) => command);
    for (const batch of batches(commands)) await run(replica, batch);
    return commands;
  }

  it('are taken by ip and nft as they are', async () => {
    const { log } = tunnel.server;
    authenticatedAt = log.search(/^.* client authenticated/m);
    assert.notEqual(authenticatedAt, -1);
    const commands = await replay(log.slice(0, authenticatedAt));
    for (const words of ['ip link add', 'ip address add', 'ip fou add', 'nft add rule', 'nft add element']) {
      assert.ok(
        commands.some((command) => command.startsWith(words)),
        `${words} is not in the log:\n${log}`,
      );
    }
  });

  const links = async (ns: Namespace): Promise<unknown> => {
    const all = (await ns.ipJson('-d link show')) as (Json & { ifname: string })[];
    return plain(all.filter(({ ifname }) => ifname.startsWith('ipipou')));
  };
  const addresses = async (ns: Namespace): Promise<unknown> => {
    const all = (await ns.ipJson('-4 address show')) as (Json & { ifname: string; addr_info: Json[] })[];
    return all.map(({ ifname, addr_info }) => [ifname, plain(addr_info)]);
  };

  const lists: readonly [what: string, list: (ns: Namespace) => Promise<unknown>][] = [
    ['links', links],
    ['addresses', addresses],
    ['routes', async (ns) => plain(await ns.ipJson('-4 route show table all'))],
    ['FOU listeners', async (ns) => plain(await ns.ipJson('fou show'))],
    ['nftables ruleset', ruleset],
  ];

  for (const [what, list] of lists) {
    it(`make the same ${what}`, async () => {
      const [wanted, made] = await Promise.all([list(server), list(replica)]);
      assert.notDeepEqual(wanted, []);
      assert.deepEqual(made, wanted);
    });
  }

  it('keep the token to themselves, as all of the log does on both sides', () => {
    const reversed = Buffer.from(TOKEN).reverse();
    for (const { name, log } of [tunnel.server, tunnel.client]) {
      assert.match(log, /DEBUG nft add rule .*@th,64,128 \$token goto/, name);
      for (const bytes of [TOKEN, reversed]) {
        for (const shown of ['latin1', 'hex', 'base64'] as const) {
          // Its beginning, of a length that base64 has no rest of.
          assert.ok(!log.includes(bytes.subarray(0, 6).toString(shown)), `${name}, ${shown}:\n${log}`);
        }
      }
    }
  });

  it('remove all of it again', async () => {
    await tunnel.server.kill('SIGTERM');
    await replay(tunnel.server.log.slice(authenticatedAt));
    for (const [what, list] of lists) {
      const [wanted, made] = await Promise.all([list(server), list(replica)]);
      assert.deepEqual(made, wanted, what);
      if (list === links || list === ruleset) assert.deepEqual(made, [], what);
    }
  });
});

/** Runs of commands for one program, in order: each is one file for it. */
function batches(commands: readonly string[]): string[][] {
  const program = (command: string | undefined): string | undefined => command?.split(' ')[0];
  const runs: string[][] = [];
  for (const command of commands) {
    const last = runs.at(-1);
    if (last !== undefined && program(last[0]) === program(command)) last.push(command);
    else runs.push([command]);
  }
  return runs;
}

async function run(ns: Namespace, commands: readonly string[]): Promise<void> {
  const lines = commands.map((command) => command.replace(/^\w+ /, ''));
  if (commands[0]?.startsWith('nft ') === true) await ns.nft([DEFINITION, ...lines].join('\n'));
  else await ns.ip(...lines);
}

async function ruleset(ns: Namespace): Promise<unknown> {
  const { stdout } = await ns.exec(['nft', '-j', 'list', 'ruleset']);
  const { nftables } = JSON.parse(stdout) as { nftables: Json[] };
  const objects = nftables.filter((object) => !('metainfo' in object)) as { set?: { name: string; elem?: unknown } }[];
  for (const { set } of objects) if (set !== undefined && FILLED_BY_PACKETS.includes(set.name)) delete set.elem;
  return plain(objects);
}

/** Without what is volatile, at any depth. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(
    ([key, child]) => !VOLATILE.includes(key) && !(typeof child === 'string' && HARDWARE_ADDRESS.test(child)),
  );
  return Object.fromEntries(kept.map(([key, child]) => [key, plain(child)]));
}
