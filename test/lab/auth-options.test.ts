import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import {
  answersPing,
  barrier,
  pairTopology,
  rawSender,
  suiteScope,
  waitUntil,
  type Namespace,
} from './support/index.js';
import { startDaemon } from './support/daemon.js';
import type { RawSender } from './support/index.js';
import type { Running } from './support/running.js';
import { authPacket, endpointOf, innerPing, makeKeys, receivedPackets, refusal, stateDir } from './support/tunnel.js';

const LIFETIME_SECONDS = 5;
const DISCREPANCY_SECONDS = 30;
/** Five of them start at once, on two emulated processors. */
const ALL_READY_MS = 110_000;
const keys = makeKeys();
const signing = ['--auth-secret', 'open sesame', '--auth-remote-pubkey-b64', keys.publicB64];

/** Server N of one host, which listens on port 10000 + N. */
const SERVERS = {
  none: ['--auth-none'],
  'remote ip': ['--auth-by-remote-ip', '-r', '10.9.3.1:5000'],
  'remote port': ['--auth-by-remote-port', '--fou-remote-port', '5000', '--no-log-time'],
  lifetime: [...signing, '--auth-lifetime', String(LIFETIME_SECONDS)],
  discrepancy: [...signing, '--auth-max-time-discrepancy', String(DISCREPANCY_SECONDS)],
} as const;
type Name = keyof typeof SERVERS;
const NAMES = Object.keys(SERVERS) as Name[];
const numberOf = (name: Name): number => NAMES.indexOf(name);

const seconds = (): number => Math.floor(Date.now() / 1000);

describe('whom a server lets in', () => {
  const scope = suiteScope();
  let a: Namespace;
  let b: Namespace;
  let sender: RawSender;
  const servers = new Map<Name, Running>();

  const send = (to: Name, from: string, payload: Buffer): void => {
    sender.udp({ from, to: `10.9.3.2:${10_000 + numberOf(to)}`, payload });
  };
  const device = (name: Name): string => `ipipou${numberOf(name)}`;
  const endpoint = (name: Name): Promise<string | undefined> => endpointOf(b, device(name));
  const isAt = (name: Name, wanted: string): Promise<unknown> =>
    waitUntil(async () => (await endpoint(name)) === wanted, { what: `${name} at ${wanted}` });
  const logOf = (name: Name): string => servers.get(name)?.log ?? '';

  /** Packets are dealt with in order: what was sent to the server before has been refused when this is. */
  async function refused(name: Name, from: string, payload: Buffer, before: string | undefined): Promise<void> {
    const server = servers.get(name);
    assert.ok(server !== undefined);
    await refusal(server, from, () => {
      send(name, from, payload);
    });
    assert.equal(await endpoint(name), before);
  }

  before(async () => {
    ({ a, b } = await pairTopology(scope));
    await a.ip('addr add 10.9.3.77/24 dev eth');
    sender = rawSender(scope, a);
    for (const name of NAMES) {
      const common = ['-s', '-vvv', '-n', String(numberOf(name)), '-b', '@eth', '--state-dir', stateDir(scope)];
      servers.set(name, startDaemon(scope, b, [...common, ...SERVERS[name]]));
    }
    for (const daemon of servers.values()) await daemon.waitForLog(/server ready/, { timeoutMs: ALL_READY_MS });
  });

  it('is anybody who sends anything that is no inner packet, with --auth-none', async () => {
    send('none', '10.9.3.77:4000', Buffer.from('hello'));
    await isAt('none', '10.9.3.77:4000');
    send('none', '10.9.3.1:4001', Buffer.from('x'));
    await isAt('none', '10.9.3.1:4001');
  });

  it('is the configured address alone, at any port, with --auth-by-remote-ip', async () => {
    await isAt('remote ip', '10.9.3.1:5000');
    await refused('remote ip', '10.9.3.77:5000', Buffer.from('hello'), '10.9.3.1:5000');
    send('remote ip', '10.9.3.1:5001', Buffer.from('hello'));
    await isAt('remote ip', '10.9.3.1:5001');

    // A client that has nothing to prove itself by sends an empty packet.
    const number = String(numberOf('remote ip'));
    const client = ['-c', '-n', number, '-r', `10.9.3.2:${10_000 + numberOf('remote ip')}`, '-b', ':5002'];
    startDaemon(scope, a, [...client, '--state-dir', stateDir(scope)]);
    await isAt('remote ip', '10.9.3.1:5002');
    assert.ok(await answersPing(a, `172.28.0.${2 * numberOf('remote ip')}`));
  });

  it('is the configured port alone, at any address, with --auth-by-remote-port', async () => {
    await refused('remote port', '10.9.3.1:5001', Buffer.from('hello'), undefined);
    send('remote port', '10.9.3.77:5000', Buffer.from('hello'));
    await isAt('remote port', '10.9.3.77:5000');
  });

  it('is whoever proved it within --auth-lifetime; the data of one who did not is shut out', async () => {
    const from = '10.9.3.77:6000';
    const inner = (server: Name): Buffer =>
      innerPing(`172.28.0.${2 * numberOf(server) + 1}`, `172.28.0.${2 * numberOf(server)}`, 1, 1);
    const entered = (): Promise<number> => receivedPackets(b, device('lifetime'));
    const enters = async (): Promise<boolean> => {
      const before = await entered();
      send('lifetime', from, inner('lifetime'));
      await barrier(a, '10.9.3.2');
      return (await entered()) > before;
    };
    send('lifetime', from, authPacket(keys));
    await isAt('lifetime', from);
    const started = performance.now();
    assert.ok((await enters()) || performance.now() - started > LIFETIME_SECONDS * 1000);
    await waitUntil(async () => !(await enters()), { what: 'the end of its life' });
    assert.ok(performance.now() - started >= (LIFETIME_SECONDS - 1) * 1000, 'shut out too early');
    send('lifetime', from, authPacket(keys, seconds() + 1));
    await waitUntil(enters, { what: 'a new life' });

    // The kernel keeps the time, also where there is no process any more.
    await servers.get('lifetime')?.kill('SIGKILL');
    await waitUntil(async () => !(await enters()), { what: 'the end of that life, without the server' });
  });

  it('is whoever signs a time within --auth-max-time-discrepancy', async () => {
    for (const off of [-2, 2]) {
      await refused(
        'discrepancy',
        `10.9.3.77:${7000 + off}`,
        authPacket(keys, seconds() + off * DISCREPANCY_SECONDS),
        undefined,
      );
    }
    assert.match(logOf('discrepancy'), /: discrepancy/);
    send('discrepancy', '10.9.3.77:7010', authPacket(keys, seconds() + DISCREPANCY_SECONDS / 2));
    await isAt('discrepancy', '10.9.3.77:7010');
  });

  it('is said without the time where --no-log-time wants it so', () => {
    assert.match(logOf('remote port'), /^\d+ +(INFO|WARN|DEBUG) /m);
    assert.doesNotMatch(logOf('remote port'), /\d{4}-\d\d-\d\dT/);
    assert.match(logOf('none'), /^\d{4}-\d\d-\d\dT/m);
  });
});
