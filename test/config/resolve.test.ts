import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DEFAULT_SECRET, generateKeyPair } from '../../src/auth/index.js';
import { chooseCommand } from '../../src/config/command.js';
import type { ClientConfig, Resolution, ServerConfig } from '../../src/config/config-types.js';
import { ConfigError } from '../../src/config/errors.js';
import { gatherOptions } from '../../src/config/gather.js';
import { resolve } from '../../src/config/resolve.js';
import { resolvePartly } from '../../src/config/resolve-partly.js';

const OWN = generateKeyPair(Buffer.alloc(32, 1));
const PEER = generateKeyPair(Buffer.alloc(32, 2));
const OWN_KEY = `--auth-key-b64=${OWN.seed.toString('base64')}`;
const OWN_PUBLIC = `--auth-remote-pubkey-b64=${OWN.publicKey.raw.toString('base64')}`;
const PEER_PUBLIC = `--auth-remote-pubkey-b64=${PEER.publicKey.raw.toString('base64')}`;
const SECRET = '--auth-secret=topsecret';
/** The least that makes a server, and a client, without a warning. */
const SERVER = ['-s', PEER_PUBLIC, SECRET];
const CLIENT = ['-c', '-r', '192.0.2.1:10000', OWN_KEY, SECRET];

function resolved(argv: readonly string[], environment: Record<string, string> = {}): Resolution {
  return resolve(
    gatherOptions(argv, () => assert.fail('no file is named')),
    environment,
  );
}

function server(...argv: string[]): ServerConfig {
  const resolution = resolved([...SERVER, ...argv]);
  assert.ok(resolution.kind === 'server');
  return resolution.config;
}

function client(...argv: string[]): ClientConfig {
  const resolution = resolved([...CLIENT, ...argv]);
  assert.ok(resolution.kind === 'client');
  return resolution.config;
}

function warningsOf(...argv: string[]): readonly string[] {
  return resolved(argv).warnings;
}

const SEEN = 'crosses the wire as it is: whoever sees it can send it again, and take the tunnel';

function refused(argv: readonly string[], message: string): void {
  assert.throws(
    () => resolved(argv),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.message, message);
      return true;
    },
  );
}

describe('a file that names another one', () => {
  const read = (path: string): Uint8Array => {
    assert.equal(path, './one.conf');
    return Buffer.from('server\nauth-none\nconfig other\n');
  };
  const raw = gatherOptions(['--config', './one.conf'], read);
  const warning = './one.conf:3: config: has no effect in a file: name both on the command line';

  it('starts without that one, and says so', () => {
    const resolution = resolve(raw, {});
    assert.equal(resolution.kind, 'server');
    assert.deepEqual(resolution.warnings, [warning]);
    assert.deepEqual(resolvePartly(raw, {}).warnings, [warning]);
  });

  it('is nothing to warn about where the command line names it', () => {
    assert.deepEqual(
      resolve(
        gatherOptions(['--config', './two.conf'], () => Buffer.from('server\nauth-none\n')),
        {},
      ).warnings,
      [],
    );
  });
});

describe('defaults', () => {
  it('of a server are those of tunnel 0', () => {
    assert.deepEqual(server(), {
      mode: 'server',
      number: 0,
      queueNumber: 0,
      queueLength: 24,
      fouLocalIp: undefined,
      fouLocalPort: 10000,
      fouDev: undefined,
      fouLocalIpAlt: '172.29.0.0',
      udpChecksum: false,
      authPacketTtl: undefined,
      tunlDev: 'ipipou0',
      tunlMtu: undefined,
      tunlIp: '172.28.0.0',
      tunlPeerIp: '172.28.0.1',
      inner6: undefined,
      routes: [],
      nftTable: 'ipipou-0',
      dataPlane: 'auto',
      nftCounters: true,
      stateDir: '/var/lib/ipipou',
      controlDir: '/run/ipipou/ipipou0.server',
      log: { verbosity: 0, showTime: true, showPid: true },
      auth: { kind: 'ed25519', peerKey: PEER.publicKey, ownKey: undefined, secret: Buffer.from('topsecret') },
      remoteHost: undefined,
      remotePort: undefined,
      authByRemoteIp: false,
      authByRemotePort: false,
      maxTimeDiscrepancySeconds: 0,
      lifetimeSeconds: 0,
      replyOnAuthOk: false,
      egress: undefined,
    });
  });

  it('of a client fit those of the server', () => {
    const { tunlIp, tunlPeerIp, tunlDev, fouLocalPort, keepaliveSeconds, remoteHost, remotePort, auth } = client();
    assert.deepEqual(
      { tunlIp, tunlPeerIp, tunlDev, fouLocalPort, keepaliveSeconds, remoteHost, remotePort },
      {
        tunlIp: '172.28.0.1',
        tunlPeerIp: '172.28.0.0',
        tunlDev: 'ipipou0',
        fouLocalPort: 10000,
        keepaliveSeconds: 0,
        remoteHost: '192.0.2.1',
        remotePort: 10000,
      },
    );
    assert.deepEqual(auth, {
      kind: 'ed25519',
      ownKey: OWN,
      peerKey: undefined,
      secret: Buffer.from('topsecret'),
    });
  });

  it('need no warning', () => {
    assert.deepEqual(warningsOf(...SERVER), []);
    assert.deepEqual(warningsOf(...CLIENT), []);
  });

  it('follow the number', () => {
    const { queueNumber, fouLocalPort, fouLocalIpAlt, tunlDev, tunlIp, tunlPeerIp, nftTable } = server('-n', '300');
    assert.deepEqual(
      { queueNumber, fouLocalPort, fouLocalIpAlt, tunlDev, tunlIp, tunlPeerIp, nftTable },
      {
        queueNumber: 300,
        fouLocalPort: 10300,
        fouLocalIpAlt: '172.29.1.44',
        tunlDev: 'ipipou300',
        tunlIp: '172.28.2.88',
        tunlPeerIp: '172.28.2.89',
        nftTable: 'ipipou-300',
      },
    );
  });

  it('of both sides mirror each other for every number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 55_535 }), (number) => {
        const [ours, theirs] = [server(`-n${number}`), client(`-n${number}`)];
        assert.equal(ours.fouLocalPort, 10_000 + number);
        assert.equal(ours.tunlIp, theirs.tunlPeerIp);
        assert.equal(ours.tunlPeerIp, theirs.tunlIp);
      }),
    );
  });

  it('take the directory that systemd made, the first of several', () => {
    const withDirectory = (value: string): string => {
      const resolution = resolved(SERVER, { STATE_DIRECTORY: value });
      assert.ok(resolution.kind === 'server');
      return resolution.config.stateDir;
    };
    assert.equal(withDirectory('/var/lib/a:/var/lib/b'), '/var/lib/a');
    assert.equal(withDirectory(''), '/var/lib/ipipou');
    assert.equal(server('--state-dir', '/x').stateDir, '/x');
  });

  it('put the control socket where systemd says, else in a folder of the tunnel and its side', () => {
    const resolution = resolved(SERVER, { RUNTIME_DIRECTORY: '/run/ipipou/home' });
    assert.ok(resolution.kind === 'server');
    assert.equal(resolution.config.controlDir, '/run/ipipou/home');
    assert.equal(server('-n3').controlDir, '/run/ipipou/ipipou3.server');
    assert.equal(server('--tunl-dev', 'tun9').controlDir, '/run/ipipou/tun9.server');
    assert.equal(server('--control-dir', '/x').controlDir, '/x');
  });
});

describe('number and queue', () => {
  it('let the queue of a server set a number of 0, up to 999', () => {
    assert.equal(server('-q7').number, 7);
    assert.equal(server('-q999').fouLocalPort, 10_999);
    assert.equal(server('-q1000').number, 0);
    assert.equal(server('-q7', '-n3').number, 3);
    assert.equal(server('-q7', '-n3').queueNumber, 7);
  });

  it('say so where 0 was written', () => {
    assert.deepEqual(warningsOf(...SERVER, '-n0', '-q7'), ['--number: 0 becomes 7, the number of the queue']);
    assert.deepEqual(warningsOf(...SERVER, '-q7'), []);
  });

  it('leave the number of a client alone', () => {
    const { number, queueNumber } = client('-q7');
    assert.deepEqual([number, queueNumber], [0, 7]);
  });

  it('refuse a number without a port, unless the port is given', () => {
    refused(
      [...SERVER, '-n55536'],
      "--number: '55536' gives port 65536, which does not exist; " +
        'allowed: 0 to 55535, or any number together with --fou-local-port',
    );
    assert.equal(server('-n55536', '--fou-local-port', '5').fouLocalPort, 5);
    assert.equal(server('-n55536', '-b', ':5').fouLocalPort, 5);
  });
});

describe('outer side', () => {
  it('takes what the one-word forms name before the single options, and says so where they differ', () => {
    const argv = [
      '-b',
      '192.0.2.9:5@eth1',
      '--fou-local-ip',
      '192.0.2.8',
      '--fou-local-port',
      '5',
      '--fou-dev',
      'eth0',
    ];
    const { fouLocalIp, fouLocalPort, fouDev } = server(...argv);
    assert.deepEqual([fouLocalIp, fouLocalPort, fouDev], ['192.0.2.9', 5, 'eth1']);
    assert.deepEqual(warningsOf(...SERVER, ...argv), [
      '--fou-local-ip: gives way to 192.0.2.9 of --fou-local',
      '--fou-dev: gives way to eth1 of --fou-local',
    ]);
  });

  it('completes the one-word forms from the single options', () => {
    const { fouLocalIp, fouDev, remoteHost, remotePort } = server(
      ...['-b', '@eth1', '--fou-local-ip', '192.0.2.8', '-r', 'a.example', '--fou-remote-port', '7'],
    );
    assert.deepEqual([fouLocalIp, fouDev, remoteHost, remotePort], ['192.0.2.8', 'eth1', 'a.example', 7]);
  });

  it('needs the address and the port of the server on a client', () => {
    refused(
      ['-c', OWN_KEY],
      '--fou-remote-ip: a client needs the address of its server; ' +
        'allowed: --fou-remote HOST:PORT, or --fou-remote-ip besides',
    );
    refused(
      ['-c', OWN_KEY, '-r', '192.0.2.1'],
      "--fou-remote: '192.0.2.1' names no port; allowed: --fou-remote HOST:PORT, or --fou-remote-port besides",
    );
    assert.equal(client('--fou-remote-ip', '192.0.2.3').remoteHost, '192.0.2.1');
  });

  it('cannot be the tunnel itself', () => {
    refused([...SERVER, '-b', '@ipipou0'], '--tunl-dev: is the outer device as well; allowed: another name');
  });
});

describe('inner side', () => {
  it('derives the other address from the one given, across the parts of an address', () => {
    assert.equal(server('--tunl-ip', '10.0.0.255').tunlPeerIp, '10.0.1.0');
    assert.equal(client('--tunl-ip', '10.0.1.0').tunlPeerIp, '10.0.0.255');
    assert.equal(server('--tunl-ip', '10.0.0.5', '--tunl-peer-ip', '10.9.9.9').tunlPeerIp, '10.9.9.9');
  });

  it('refuses an address that leaves none beside it', () => {
    refused(
      [...SERVER, '--tunl-ip', '223.255.255.255'],
      "--tunl-ip: '223.255.255.255' leaves no address beside it for the other side; " +
        'allowed: another address, or --tunl-peer-ip besides',
    );
    assert.throws(() => client('--tunl-ip', '0.0.0.1'), ConfigError);
    assert.equal(client('--tunl-ip', '0.0.0.1', '--tunl-peer-ip', '10.0.0.1').tunlIp, '0.0.0.1');
  });

  it('has IPv6 where an address is given, and derives the other one', () => {
    assert.equal(server().inner6, undefined);
    assert.deepEqual(server('--tunl-ip6', 'fd00::FFFF').inner6, { address: 'fd00::ffff', peerAddress: 'fd00::1:0' });
    assert.deepEqual(client('--tunl-ip6', 'fd00::1:0').inner6, { address: 'fd00::1:0', peerAddress: 'fd00::ffff' });
    assert.deepEqual(server('--tunl-ip6', 'fd00::1', '--tunl-peer-ip6', 'fd01::1').inner6, {
      address: 'fd00::1',
      peerAddress: 'fd01::1',
    });
    refused(
      [...SERVER, '--tunl-ip6', 'fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
      "--tunl-ip6: 'fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff' leaves no address beside it for the other side; " +
        'allowed: another address, or --tunl-peer-ip6 besides',
    );
    refused(
      [...SERVER, '--tunl-peer-ip6', 'fd00::1'],
      "--tunl-peer-ip6: 'fd00::1' is for a tunnel with IPv6; allowed: together with --tunl-ip6",
    );
    refused(
      [...SERVER, '--tunl-ip6', 'fd00::1', '--tunl-peer-ip6', 'fd00:0::1'],
      "--tunl-peer-ip6: 'fd00:0::1' is this side's own address in the tunnel; allowed: another address",
    );
    refused(
      [...SERVER, '--tunl-ip6', 'fd00::1', '--tunl-mtu', '1279'],
      "--tunl-mtu: '1279' is too small for IPv6 in the tunnel; allowed: 1280 or more, or no --tunl-ip6",
    );
    assert.equal(server('--tunl-ip6', 'fd00::1', '--tunl-mtu', '1280').tunlMtu, 1280);
  });

  it('takes networks behind the other side', () => {
    const given = server('--tunl-ip6', 'fd00::1', '--route', '10.1.0.0/16', '--route', '::/0', '--route', '192.0.2.1');
    assert.deepEqual(given.routes, [
      { family: 'ip', address: '10.1.0.0', prefixLength: 16 },
      { family: 'ip6', address: '::', prefixLength: 0 },
      { family: 'ip', address: '192.0.2.1', prefixLength: 32 },
    ]);
    refused(
      [...SERVER, '--route', '2001:db8::/32'],
      "--route: '2001:db8::/32' is of IPv6, which this tunnel does not carry; allowed: --tunl-ip6 besides",
    );
    refused(
      [...SERVER, '--route', '0.0.0.0/0'],
      "--route: '0.0.0.0/0' would lead the tunnel's own packets into the tunnel; " +
        "allowed: smaller networks that do not hold the other side's outer address",
    );
    refused(
      [...SERVER, '--tunl-ip6', 'fd00::1', '--route', '2001:db8::/32', '--route', '2001:DB8::/32'],
      "--route: '2001:DB8::/32' is given twice; allowed: each network once",
    );
  });

  it('refuses loopback addresses, also where they are derived', () => {
    refused(
      [...SERVER, '--tunl-ip', '127.0.0.5'],
      "--tunl-ip: '127.0.0.5' is a loopback address; allowed: an address of another network",
    );
    refused(
      [...SERVER, '--tunl-peer-ip', '127.0.0.1'],
      "--tunl-peer-ip: '127.0.0.1' is a loopback address; allowed: an address of another network",
    );
    refused(
      [...SERVER, '--fou-local-ip-alt', '127.1.0.1'],
      "--fou-local-ip-alt: '127.1.0.1' is a loopback address; allowed: an address of another network",
    );
    assert.throws(() => server('--tunl-ip', '126.255.255.255'), ConfigError);
  });

  it('refuses one address for two things', () => {
    refused(
      [...SERVER, '--tunl-ip', '10.0.0.1', '--tunl-peer-ip', '10.0.0.1'],
      "--tunl-peer-ip: '10.0.0.1' is this side's own address in the tunnel; allowed: another address",
    );
    refused(
      [...SERVER, '-n65535', '--fou-local-port', '1'],
      '--fou-local-ip-alt: 172.29.255.255 is an address in the tunnel as well; allowed: an address of its own',
    );
  });
});

describe('authentication of a server', () => {
  const withAuth = (...argv: string[]) => {
    const resolution = resolved(['-s', ...argv]);
    assert.ok(resolution.kind === 'server');
    return resolution.config.auth;
  };

  it('goes by the token before any key, and says so', () => {
    assert.deepEqual(withAuth('--auth-token', 'x', PEER_PUBLIC), { kind: 'token', token: Buffer.from('x') });
    assert.deepEqual(warningsOf('-s', '--auth-token', 'x', PEER_PUBLIC, OWN_KEY, SECRET), [
      `--auth-token: ${SEEN}`,
      '--auth-remote-pubkey-b64: has no effect beside a token',
      '--auth-key-b64: has no effect beside a token',
      '--auth-secret: has no effect beside a token',
    ]);
  });

  it('takes the last token in either spelling', () => {
    assert.deepEqual(withAuth('--auth-token-b64', 'YQ==', '--auth-token', 'b'), {
      kind: 'token',
      token: Buffer.from('b'),
    });
    assert.deepEqual(withAuth('--auth-token', 'b', '--auth-token-b64', 'YQ=='), {
      kind: 'token',
      token: Buffer.from('a'),
    });
  });

  it('warns of what a token is to those who see it, by the option that gave it', () => {
    assert.deepEqual(warningsOf('-s', '--auth-token', 'a', '--auth-token-b64', 'YQ=='), [`--auth-token-b64: ${SEEN}`]);
    assert.deepEqual(warningsOf(...SERVER), []);
  });

  it('warns of tokens that some paths drop', () => {
    assert.deepEqual(warningsOf('-s', `--auth-token=${'x'.repeat(548)}`), [`--auth-token: ${SEEN}`]);
    assert.deepEqual(warningsOf('-s', `--auth-token=${'x'.repeat(549)}`), [
      `--auth-token: ${SEEN}`,
      '--auth-token: a token of 549 bytes may be lost on the way; 548 always pass',
    ]);
  });

  it("keeps the server's own key for its answers", () => {
    assert.deepEqual(withAuth(PEER_PUBLIC, OWN_KEY, SECRET, '--reply-on-auth-ok'), {
      kind: 'ed25519',
      peerKey: PEER.publicKey,
      ownKey: OWN,
      secret: Buffer.from('topsecret'),
    });
    assert.deepEqual(warningsOf(...SERVER, OWN_KEY), ['--auth-key-b64: has no effect without --reply-on-auth-ok']);
  });

  it('warns of the secret that everyone knows, and of none', () => {
    const known = '--auth-secret: the default is in use, which everyone knows; choose your own';
    assert.deepEqual(warningsOf('-s', PEER_PUBLIC), [known]);
    assert.deepEqual(warningsOf('-s', PEER_PUBLIC, `--auth-secret=${DEFAULT_SECRET}`), [known]);
    assert.deepEqual(warningsOf('-s', PEER_PUBLIC, '--auth-secret='), [
      '--auth-secret: is empty: the key alone protects the tunnel',
    ]);
    assert.deepEqual(warningsOf('-s', '--auth-token=x'), [`--auth-token: ${SEEN}`]);
  });

  it("refuses its own public key as the client's", () => {
    assert.throws(() => resolved(['-s', OWN_KEY, OWN_PUBLIC]), {
      message: /^--auth-remote-pubkey-b64: '.*' is the public key of this side's own --auth-key-b64; allowed: /,
    });
  });

  it('is not none by accident: without any, the outcome says what is there', () => {
    const resolution = resolved(['-s', '-n3', OWN_KEY, SECRET]);
    assert.ok(resolution.kind === 'no-authentication');
    assert.equal(resolution.server.config.number, 3);
    assert.equal(resolution.server.ownKey?.publicKey.raw.toString('hex'), OWN.publicKey.raw.toString('hex'));
    assert.equal(resolution.server.secret?.toString(), 'topsecret');
  });

  it('is none by consent, or where the source decides', () => {
    assert.deepEqual(withAuth('--auth-none'), { kind: 'none' });
    assert.deepEqual(withAuth('--auth-by-remote-ip', '-r', '192.0.2.1'), { kind: 'none' });
    assert.deepEqual(withAuth('--auth-by-remote-port', '-r', ':7'), { kind: 'none' });
  });

  for (const other of ['--auth-token=x', '--auth-token-b64=YQ==', PEER_PUBLIC]) {
    it(`contradicts itself with --auth-none and ${other.slice(0, 16)}`, () => {
      const name = other.slice(0, other.indexOf('='));
      refused(['-s', '--auth-none', other], `--auth-none: contradicts ${name}; allowed: one of the two`);
    });
  }

  it('by the source needs something to compare with', () => {
    refused(
      [...SERVER, '--auth-by-remote-ip', '-r', ':7'],
      '--auth-by-remote-ip: needs a remote address to compare with; ' +
        'allowed: together with --fou-remote HOST or --fou-remote-ip IP',
    );
    refused(
      [...SERVER, '--auth-by-remote-port', '-r', '192.0.2.1'],
      '--auth-by-remote-port: needs a remote port to compare with; ' +
        'allowed: together with --fou-remote :PORT or --fou-remote-port PORT',
    );
  });

  it('warns of what matters only for signed packets', () => {
    const signing = [OWN_KEY, SECRET, '--auth-max-time-discrepancy=5'];
    for (const unsigned of [['--auth-none'], ['--auth-by-remote-ip', '-r', '192.0.2.1:5']]) {
      assert.deepEqual(warningsOf('-s', ...unsigned, ...signing), [
        '--auth-key-b64: has no effect without a remote public key',
        '--auth-secret: has no effect without a remote public key',
        '--auth-max-time-discrepancy: has no effect without a remote public key',
      ]);
    }
  });

  it('warns of a port as the only proof, and of lifetimes that no keepalive meets', () => {
    assert.deepEqual(warningsOf('-s', '--auth-by-remote-port', '-r', ':7'), [
      '--auth-by-remote-port: is the only check: whoever sends from that port is let in',
    ]);
    assert.deepEqual(warningsOf(...SERVER, '--auth-lifetime=4'), [
      '--auth-lifetime: 4 s is shorter than clients can keep up with; 5 or more is advised',
    ]);
    assert.deepEqual(warningsOf(...SERVER, '--auth-lifetime=5'), []);
  });
});

describe('authentication of a client', () => {
  it('goes by the token before the key, and says so', () => {
    const resolution = resolved([...CLIENT, '--auth-token=x', PEER_PUBLIC]);
    assert.ok(resolution.kind === 'client');
    assert.deepEqual(resolution.config.auth, { kind: 'token', token: Buffer.from('x') });
    assert.deepEqual(resolution.warnings, [
      `--auth-token: ${SEEN}`,
      '--auth-remote-pubkey-b64: has no effect beside a token',
      '--auth-key-b64: has no effect beside a token',
      '--auth-secret: has no effect beside a token',
    ]);
  });

  it("checks answers with the server's key", () => {
    const { auth } = client(PEER_PUBLIC);
    assert.ok(auth.kind === 'ed25519');
    assert.ok(auth.peerKey?.raw.equals(PEER.publicKey.raw));
    assert.throws(() => client(OWN_PUBLIC), ConfigError);
  });

  it('may be none, with a warning', () => {
    const resolution = resolved(['-c', '-r', '192.0.2.1:1', PEER_PUBLIC]);
    assert.ok(resolution.kind === 'client');
    assert.deepEqual(resolution.config.auth, { kind: 'none' });
    assert.deepEqual(resolution.warnings, [
      '--auth-remote-pubkey-b64: has no effect without --auth-key-b64',
      'no token and no key: only a server that goes by the source address alone will let this client in',
    ]);
  });

  it('contradicts --auth-none', () => {
    refused([...CLIENT, '--auth-none'], '--auth-none: contradicts --auth-key-b64; allowed: one of the two');
  });
});

describe('modes', () => {
  it('are chosen by the last of -c and -s, and client by default', () => {
    const commandOf = (...argv: string[]) => chooseCommand(gatherOptions(argv, () => assert.fail()));
    assert.equal(commandOf(), 'client');
    assert.equal(commandOf('-s'), 'server');
    assert.equal(commandOf('-c', '-s'), 'server');
    assert.equal(commandOf('-s', '-c'), 'client');
    assert.equal(commandOf('--reauth-only'), 'reauth');
    assert.equal(commandOf('-s', '--auth-keygen'), 'keygen');
    assert.equal(commandOf('-s', '--version', '-h'), 'version');
    assert.equal(commandOf('-s', '-h', '--version', '--bogus'), 'help');
  });

  it('refuse a server that is to reauthenticate', () => {
    refused([...SERVER, '--reauth-only'], '--reauth-only: a server has nobody to authenticate to; allowed: with -c');
  });

  it("say which of the other side's options have no effect", () => {
    assert.deepEqual(warningsOf(...SERVER, '--keepalive=27'), ['--keepalive: has no effect on a server']);
    const serverOnly = [
      '--reply-on-auth-ok',
      '--auth-lifetime=9',
      '--auth-max-time-discrepancy=9',
      '--auth-by-remote-ip',
    ];
    assert.deepEqual(warningsOf(...CLIENT, ...serverOnly, '--auth-by-remote-port'), [
      '--auth-by-remote-ip: has no effect on a client',
      '--auth-by-remote-port: has no effect on a client',
      '--auth-max-time-discrepancy: has no effect on a client',
      '--auth-lifetime: has no effect on a client',
      '--reply-on-auth-ok: has no effect on a client',
    ]);
  });

  it('take every option of theirs into the configuration', () => {
    const { log, maxTimeDiscrepancySeconds, lifetimeSeconds, replyOnAuthOk, tunlDev, nftTable, fouLocalIpAlt } = server(
      ...['-vv', '--verb=-1', '--no-log-time', '--no-log-pid', '--auth-max-time-discrepancy=8', '--auth-lifetime=9'],
      ...['--reply-on-auth-ok', '--tunl-dev=t', '--nft-table=n', '--fou-local-ip-alt=10.1.1.1'],
    );
    assert.deepEqual(
      { log, maxTimeDiscrepancySeconds, lifetimeSeconds, replyOnAuthOk, tunlDev, nftTable, fouLocalIpAlt },
      {
        log: { verbosity: 1, showTime: false, showPid: false },
        maxTimeDiscrepancySeconds: 8,
        lifetimeSeconds: 9,
        replyOnAuthOk: true,
        tunlDev: 't',
        nftTable: 'n',
        fouLocalIpAlt: '10.1.1.1',
      },
    );
    assert.equal(client('--keepalive=27').keepaliveSeconds, 27);
  });
});
