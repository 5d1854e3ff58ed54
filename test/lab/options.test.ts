import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, it } from 'mocha';
import { NETIF_F_HW_CSUM } from '../../src/netlink/ethtool/constants.js';
import {
  answersPing,
  exec,
  ipipou,
  pairTopology,
  rawSender,
  start,
  startCapture,
  startDaemon,
  startPing,
  suiteScope,
  waitUntil,
  type Namespace,
  type Running,
  type Scope,
} from './support/index.js';
import {
  authPacket,
  CLIENT_INNER,
  clientArgs,
  endpointOf,
  makeKeys,
  PORT,
  SECRET,
  SERVER_INNER,
  serverArgs,
  startClient,
  startServer,
  stateDir,
  type Keys,
} from './support/tunnel.js';

const SERVER = `10.9.3.2:${PORT}`;
const TCP_PORT = 5201;
const TRANSFER_BYTES = 3_000_000;

interface Pair {
  readonly client: Namespace;
  readonly server: Namespace;
  readonly keys: Keys;
}

/** `client` 10.9.3.1 and `server` 10.9.3.2 on one cable. */
async function pair(scope: Scope): Promise<Pair> {
  const { a: client, b: server } = await pairTopology(scope);
  return { client, server, keys: makeKeys() };
}

const mtuOf = async (ns: Namespace): Promise<number | undefined> =>
  ((await ns.ipJson('link show ipipou0')) as { mtu: number }[])[0]?.mtu;

function folder(scope: Scope): string {
  const made = mkdtempSync(join(tmpdir(), 'ipipou-ts-lab-'));
  scope.defer(() => {
    rmSync(made, { recursive: true });
    return undefined;
  });
  return made;
}

/** One server and one client, with as many options as go together: a daemon that starts is what takes the time here. */
describe('a server and a client', () => {
  const scope = suiteScope();
  const SERVER_PORT = 10_005;
  const THERE = `10.9.3.2:${SERVER_PORT}`;
  const state = stateDir(scope);
  let net: Pair;
  let server: Running;
  let client: Running;
  let capture: Running;

  /** Columns: queue, pid, waiting, copy mode, copy range, dropped by the queue, dropped by the socket, last id, 1. */
  const queue = async (): Promise<string[]> =>
    (await net.server.exec(['cat', '/proc/net/netfilter/nfnetlink_queue'])).stdout.trim().split(/\s+/);
  const tunnelOf = async (ns: Namespace): Promise<{ local: string; encap: { csum: boolean } }> =>
    (
      (await ns.ipJson('-d link show ipipou0')) as {
        linkinfo: { info_data: { local: string; encap: { csum: boolean } } };
      }[]
    )[0]!.linkinfo.info_data;

  before(async () => {
    net = await pair(scope);
    await net.server.sysctl({ 'net.ipv4.ip_default_ttl': 77 });
    // The first choice of an internal address is somebody else's.
    await net.server.ip('addr add 172.29.7.0/32 dev lo');
    capture = start(scope, net.client, ['tcpdump', '-i', 'eth', '-n', '-v', '-l', '--immediate-mode', 'udp']);
    await capture.waitForLog(/listening on /);
    server = startDaemon(
      scope,
      net.server,
      serverArgs(
        net.keys,
        ...['--reply-on-auth-ok', '--state-dir', state, '--nfq-max-len', '7', '-q', '5'],
        ...['--fou-local-ip', '10.9.3.2', '--fou-local-port', String(SERVER_PORT), '--fou-dev', 'eth'],
        ...['--force-fou-local-ip-alt', '--fou-local-ip-alt', '172.29.7.0'],
        // A queue makes the number of the tunnel, and that the names and addresses inside.
        ...['--tunl-dev', 'ipipou0', '--tunl-ip', SERVER_INNER, '--tunl-peer-ip', CLIENT_INNER],
      ),
    );
    client = startDaemon(scope, net.client, [
      ...['-c', '-vvv', '--no-log-pid', '--auth-secret', SECRET, '--auth-key-b64', net.keys.privateB64],
      ...['--fou-remote-ip', '10.9.3.2', '--fou-remote-port', String(SERVER_PORT), '--state-dir', state],
      ...['--auth-packet-ttl', '5', '--no-nft-counter', '--tunl-mtu', '1300', '--encap-csum', '--no-encap-csum'],
    ]);
    await server.waitForLog(/server ready/);
    await client.waitForLog(/the server answered/);
  });

  it('meet where --fou-local-ip, --fou-local-port, --fou-dev, --fou-remote-ip and --fou-remote-port say', async () => {
    assert.deepEqual(
      ((await net.server.ipJson('fou show')) as { port: number }[]).map(({ port }) => port),
      [SERVER_PORT],
    );
    assert.match(
      await net.server.nftList(),
      new RegExp(`ip daddr 10\\.9\\.3\\.2 udp dport ${SERVER_PORT} iifname "eth"`),
    );
    assert.equal(await endpointOf(net.client), THERE);
    assert.ok(await answersPing(net.client, SERVER_INNER), server.log + client.log);
    assert.ok(await answersPing(net.server, CLIENT_INNER));
  });

  it('have the packet queue of -q, and the next free address from --fou-local-ip-alt on, forced or not', async () => {
    assert.equal((await queue())[0], '5');
    assert.equal((await tunnelOf(net.server)).local, '172.29.7.1');
    assert.match(server.log, /INFO --force-fou-local-ip-alt: changes nothing/);
  });

  it('put no checksum on packets where --no-encap-csum follows --encap-csum', async () => {
    assert.equal((await tunnelOf(net.client)).encap.csum, false);
  });

  it('send auth packets and answers with the TTL of --auth-packet-ttl, or without it with that of the system', async () => {
    await capture.waitForLog(/ttl 77,/);
    assert.match(capture.log, /ttl 5,.*\n\s+10\.9\.3\.1\.10000 > 10\.9\.3\.2\.10005/);
    assert.match(capture.log, /ttl 77,.*\n\s+10\.9\.3\.2\.10005 > 10\.9\.3\.1\.10000/);
    const once = clientArgs(net.keys, THERE, '--reauth-only', '--auth-packet-ttl', '6', '--state-dir', stateDir(scope));
    await net.client.exec(ipipou(once));
    await capture.waitForLog(/ttl 6,/);
  });

  it('have --tunl-mtu go before the MTU that would be followed, then and later', async () => {
    assert.equal(await mtuOf(net.server), 1472);
    assert.equal(await mtuOf(net.client), 1300);
    await net.client.ip('link set eth mtu 1400');
    await net.server.ip('link set eth mtu 1400');
    await waitUntil(async () => (await mtuOf(net.server)) === 1372, { what: 'the MTU that is followed' });
    assert.equal(await mtuOf(net.client), 1300);
  });

  it('have a ruleset without counters by --no-nft-counter, also when the outer address has changed', async () => {
    assert.match(await net.server.nftList(), /counter/);
    assert.doesNotMatch(await net.client.nftList(), /counter/);
    const mark = client.mark();
    await net.client.ip('addr del 10.9.3.1/24 dev eth', 'addr add 10.9.3.9/24 dev eth');
    await client.waitForLog(/outer address is 10\.9\.3\.9/, { since: mark });
    await client.waitForLog(/the server answered/, { since: mark });
    assert.doesNotMatch(await net.client.nftList(), /counter/);
    assert.ok(await answersPing(net.client, SERVER_INNER));
  });

  it('have as many auth packets wait as --nfq-max-len says; the rest is dropped and counted', async () => {
    const sender = rawSender(scope, net.client);
    const [, , , , , droppedBefore] = await queue();
    server.signal('SIGSTOP');
    for (let count = 0; count < 30; count++) {
      sender.udp({ from: '10.9.3.9:9', to: THERE, payload: authPacket(net.keys) });
    }
    const counts = async (): Promise<[number, number]> => {
      const [, , waiting, , , dropped] = await queue();
      return [Number(waiting), Number(dropped) - Number(droppedBefore)];
    };
    await waitUntil(async () => (await counts()).reduce((sum, count) => sum + count) === 30, { what: 'all thirty' });
    assert.deepEqual(await counts(), [7, 23]);
    server.signal('SIGCONT');
    await waitUntil(async () => (await counts())[0] === 0, { what: 'an empty queue' });
  });
});

describe('--encap-csum', () => {
  /** Sends through the tunnel by TCP, with the outer checksum filled in by software, so that it is on the wire. */
  async function transfer(scope: Scope, from: Namespace, to: Namespace, address: string): Promise<string> {
    const receiver = start(scope, to, ['sh', '-c', `socat -u TCP-LISTEN:${TCP_PORT},reuseaddr - | sha256sum`]);
    await waitUntil(async () => (await to.exec(['ss', '-tln'])).stdout.includes(`:${TCP_PORT}`), {
      what: 'a receiver',
    });
    await from.exec(['sh', '-c', `head -c ${TRANSFER_BYTES} /dev/zero | socat -u - TCP:${address}:${TCP_PORT}`]);
    await receiver.exit;
    return receiver.log;
  }

  const errorsOf = async (ns: Namespace): Promise<number> => {
    const { stdout } = await ns.exec(['cat', '/proc/net/snmp']);
    const [names, values] = stdout.split('\n').filter((line) => line.startsWith('Udp: '));
    return Number(values?.split(' ')[names?.split(' ').indexOf('InCsumErrors') ?? -1]);
  };

  /** Has checksums computed before packets are on the cable. */
  async function withoutOffload(...namespaces: Namespace[]): Promise<void> {
    const program = `import('${new URL('../../src/netlink/ethtool/features.js', import.meta.url).href}').then(async (m) => {
      const { readFileSync } = await import('node:fs');
      const index = Number(readFileSync('/sys/class/net/eth/ifindex', 'utf8'));
      await m.setDeviceFeature(index, '${NETIF_F_HW_CSUM}', false);
    })`;
    for (const ns of namespaces) {
      const argv = ['unshare', '-m', 'sh', '-c', 'mount -t sysfs sysfs /sys && exec "$@"', 'sh'];
      await ns.exec([...argv, process.execPath, '-e', program]);
    }
  }

  const scope = suiteScope();

  it('puts a right checksum on every packet, both ways', async () => {
    const { client, server, keys } = await pair(scope);
    await withoutOffload(client, server);
    await Promise.all([
      startServer(scope, server, keys, { local: '@eth', args: ['--encap-csum'] }),
      startClient(scope, client, keys, SERVER, { args: ['--encap-csum'] }),
    ]);
    const file = join(folder(scope), 'wire.pcap');
    const capture = start(scope, server, ['tcpdump', '-i', 'eth', '-n', '-U', '-w', file, 'udp']);
    await capture.waitForLog(/listening on /);
    const sum = (await exec(['sh', '-c', `head -c ${TRANSFER_BYTES} /dev/zero | sha256sum`])).stdout;
    assert.equal(await transfer(scope, client, server, SERVER_INNER), sum);
    assert.equal(await transfer(scope, server, client, CLIENT_INNER), sum);
    assert.ok(await answersPing(client, SERVER_INNER));
    await capture.kill('SIGINT');
    const { stdout } = await exec(['tcpdump', '-n', '-vv', '-r', file]);
    const outer = stdout.split('\n').filter((line) => /10\.9\.3\.[12]\.10000 > /.test(line));
    assert.ok(outer.length > 1000, `${outer.length} packets`);
    const wrong = outer.filter((line) => !line.includes('[udp sum ok]'));
    assert.deepEqual(wrong.slice(0, 5), []);
    assert.deepEqual([await errorsOf(client), await errorsOf(server)], [0, 0]);
  });
});

describe("a server's --fou-remote HOST:PORT", () => {
  const scope = suiteScope();
  const args = ['--fou-remote', `10.9.3.1:${PORT}`];
  const serverState = stateDir(scope);
  let net: Pair;
  let daemon: Running;

  it('is where the tunnel leads from the start, until the client proves to be elsewhere', async () => {
    net = await pair(scope);
    const { client, server, keys } = net;
    daemon = await startServer(scope, server, keys, { local: '@eth', args, state: serverState });
    assert.match(daemon.log, /bound to 10\.9\.3\.1:10000 by --fou-remote/);
    assert.equal(await endpointOf(server), `10.9.3.1:${PORT}`);
    // A client whose auth packets never arrive: only the starting endpoint lets its pings in.
    await server.nft(`
      table ip block {
        chain in { type filter hook prerouting priority -500; udp length 81 drop; }
      }`);
    const state = stateDir(scope);
    const quiet = startDaemon(scope, client, clientArgs(keys, SERVER, '--state-dir', state));
    await quiet.waitForLog(/client ready/);
    assert.ok(await answersPing(client, SERVER_INNER));
    await server.nft('delete table ip block');

    await quiet.kill('SIGTERM');
    const mark = daemon.mark();
    await startClient(scope, client, keys, SERVER, { state, args: ['-b', ':10055'] });
    await daemon.waitForLog(/client moved from 10\.9\.3\.1:10000 to 10\.9\.3\.1:10055/, { since: mark });
    assert.equal(await endpointOf(server), '10.9.3.1:10055');
    assert.ok(await answersPing(client, SERVER_INNER));
  });

  it('gives way to what an earlier run knew', async () => {
    await daemon.kill('SIGKILL');
    const second = await startServer(scope, net.server, net.keys, { local: '@eth', args, state: serverState });
    assert.match(second.log, /taken over, bound to 10\.9\.3\.1:10055/);
    assert.equal(await endpointOf(net.server), '10.9.3.1:10055');
  });
});

describe('a server given by name', () => {
  const scope = suiteScope();
  let net: Pair;
  let hosts = '';
  let server: Running;
  let client: Running;

  /** In place: the file is bound into the client's mount namespace. */
  const nameIs = (lines: string): void => {
    writeFileSync(hosts, `127.0.0.1 localhost\n${lines}\n`);
  };

  before(async () => {
    net = await pair(scope);
    hosts = join(folder(scope), 'hosts');
    chmodSync(join(hosts, '..'), 0o755);
    nameIs('10.9.3.2 vpn.example.net');
    server = await startServer(scope, net.server, net.keys, { local: '@eth' });
    const args = clientArgs(net.keys, `vpn.example.net:${PORT}`, '--state-dir', stateDir(scope));
    const bind = ['unshare', '-m', 'sh', '-c', `mount --bind ${hosts} /etc/hosts && exec "$@"`, 'sh'];
    client = start(scope, net.client, [...bind, ...ipipou(args)]);
    await client.waitForLog(/the server answered/);
  });

  it('is looked up again with every authentication, and stays where its name still leads', async () => {
    nameIs('10.9.3.9 vpn.example.net\n10.9.3.2 vpn.example.net');
    const mark = client.mark();
    client.signal('SIGUSR1');
    await client.waitForLog(/the server answered/, { since: mark });
    assert.equal(await endpointOf(net.client), SERVER);
  });

  it('keeps its address while the name cannot be looked up, and says so', async () => {
    nameIs('');
    const mark = client.mark();
    client.signal('SIGUSR1');
    await client.waitForLog(/vpn\.example\.net could not be looked up .*staying with 10\.9\.3\.2/, { since: mark });
    assert.ok(await answersPing(net.client, SERVER_INNER));
  });

  it('is followed to another address, as the server follows its own', async () => {
    const capture = await startCapture(scope, net.server, 'eth', 'udp and dst 10.9.3.3');
    const [mark, before] = [client.mark(), server.mark()];
    await net.server.ip('addr flush dev eth', 'addr add 10.9.3.3/24 dev eth');
    await server.waitForLog(/outer address is 10\.9\.3\.3 on eth now/, { since: before });
    nameIs('10.9.3.3 vpn.example.net');
    client.signal('SIGUSR1');
    await client.waitForLog(/vpn\.example\.net is 10\.9\.3\.3 now/, { since: mark });
    await waitUntil(async () => (await endpointOf(net.client)) === `10.9.3.3:${PORT}`, { what: 'the tunnel there' });
    await waitUntil(() => capture.lines.some((line) => line.includes('length 73')), { what: 'an auth packet there' });
    await client.waitForLog(/the server answered/, { since: mark });
    const { lost } = await startPing(scope, net.client, SERVER_INNER, { count: 3, intervalMs: 50 }).done();
    assert.deepEqual(lost, []);
  });
});

describe('secrets', () => {
  const scope = suiteScope();

  it('from files make a tunnel; at full verbosity no output and no command line shows them', async () => {
    const { client, server, keys } = await pair(scope);
    const own = makeKeys();
    const place = folder(scope);
    const file = (name: string, content: string): string => {
      const path = join(place, name);
      writeFileSync(path, content, { mode: 0o600 });
      return path;
    };
    const clientConf = file(
      'client.conf',
      `auth-key-file ${file('key', `${keys.privateB64}\n${keys.publicB64}\n`)}\nauth-secret ${SECRET}\n`,
    );
    const common = ['-vvvv', '--state-dir', stateDir(scope)];
    const serving = startDaemon(scope, server, [
      ...['-s', ...common, '-b', '@eth', '--reply-on-auth-ok', '--auth-remote-pubkey-b64', keys.publicB64],
      ...['--auth-key-b64', own.privateB64, `--auth-secret=${SECRET}`],
    ]);
    await serving.waitForLog(/server ready/);
    const credentials = folder(scope);
    const connected = startDaemon(
      scope,
      client,
      ['-c', ...common, '-r', SERVER, '--config', clientConf, '--auth-remote-pubkey-b64', own.publicB64],
      { CREDENTIALS_DIRECTORY: credentials },
    );
    await connected.waitForLog(/the server answered.*signed by its key/);
    const shown = (daemon: Running): string =>
      readFileSync(`/proc/${daemon.pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    assert.match(serving.log, /--auth-key-b64, --auth-secret on the command line/);
    assert.match(shown(serving), /--auth-key-b64 \*\*\* --auth-secret=\*\*\*/);
    for (const daemon of [serving, connected]) {
      const said = shown(daemon);
      await daemon.kill('SIGTERM');
      for (const secret of [
        SECRET,
        keys.privateB64,
        own.privateB64,
        Buffer.from(keys.privateB64, 'base64').toString('hex'),
      ]) {
        assert.ok(!daemon.log.includes(secret));
        assert.ok(!said.includes(secret));
      }
    }
  });

  it('come from the credentials of systemd where nothing else is given', async () => {
    const { client, server, keys } = await pair(scope);
    await startServer(scope, server, keys, { local: '@eth' });
    const credentials = folder(scope);
    writeFileSync(join(credentials, 'auth-key'), `${keys.privateB64}\n`, { mode: 0o400 });
    writeFileSync(join(credentials, 'auth-secret'), SECRET, { mode: 0o400 });
    const args = ['-c', '-vv', '-r', SERVER, '--state-dir', stateDir(scope)];
    const daemon = startDaemon(scope, client, args, { CREDENTIALS_DIRECTORY: credentials });
    await daemon.waitForLog(/credential auth-key: taken for --auth-key-b64/);
    await daemon.waitForLog(/the server answered/);
  });
});
