import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { before, describe, it } from 'mocha';
import { answersPing, exec, Namespace, startPing, suiteScope, waitUntil } from '../support/index.js';
import type { ExecResult } from '../support/index.js';
import { CLIENT_INNER, SERVER_INNER } from '../support/tunnel.js';

/** The host that prepare.sh made; its root namespace, and the other end of its only cable. */
const here = new Namespace('root', '/proc/thread-self/ns/net');
const far = new Namespace('far');

const unit = (name: string): string => `ipipou@${name}.service`;
const systemctl = (...args: string[]): Promise<ExecResult> => exec(['systemctl', ...args]);

/** Properties of a unit as `systemctl show` has them. */
async function show(name: string, ...properties: string[]): Promise<Record<string, string>> {
  const { stdout } = await systemctl('show', '-p', properties.join(','), name);
  return Object.fromEntries(
    stdout
      .trimEnd()
      .split('\n')
      .map((line): [string, string] => {
        const end = line.indexOf('=');
        return [line.slice(0, end), line.slice(end + 1)];
      }),
  );
}

/** Waits until the properties have these values. */
function becomes(name: string, wanted: Readonly<Record<string, string | RegExp>>): Promise<unknown> {
  const fits = async (): Promise<boolean> => {
    const values = await show(name, ...Object.keys(wanted));
    return Object.entries(wanted).every(([key, value]) =>
      typeof value === 'string' ? values[key] === value : value.test(values[key] ?? ''),
    );
  };
  return waitUntil(fits, { what: `${name} with ${inspect(wanted)}` });
}

const journal = async (name: string): Promise<string> =>
  (await exec(['journalctl', '-q', '-o', 'cat', '-u', unit(name)])).stdout;

/** How often the unit has said it. */
const said = async (name: string, text: string): Promise<number> => (await journal(name)).split(text).length - 1;

async function killMain(name: string): Promise<void> {
  const { MainPID } = await show(unit(name), 'MainPID');
  process.kill(Number(MainPID), 'SIGKILL');
}

function conf(name: string, lines: readonly string[]): void {
  writeFileSync(`/etc/ipipou/${name}.conf`, `${lines.join('\n')}\n`, { mode: 0o600 });
}

function dropIn(name: string, lines: readonly string[]): void {
  const folder = `/etc/systemd/system/${unit(name)}.d`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/test.conf`, `${lines.join('\n')}\n`);
}

const ourLinks = async (ns: Namespace): Promise<string[]> =>
  (await ns.exec(['ip', '-br', 'link'])).stdout.split('\n').filter((line) => line.startsWith('ipipou'));

describe('the systemd units', () => {
  const scope = suiteScope();

  describe('the files', () => {
    it('pass systemd-analyze verify without a word', async () => {
      const files = ['ipipou@.service', 'ipipou.target'].map((name) => `/etc/systemd/system/${name}`);
      const { stdout, stderr } = await exec(['systemd-analyze', 'verify', '--man=no', ...files]);
      assert.equal(stdout + stderr, '');
    });
  });

  describe('an enabled server', () => {
    it('is up when the machine is, and says that it waits', async () => {
      assert.deepEqual(await show(unit('server'), 'ActiveState', 'StatusText', 'NRestarts'), {
        ActiveState: 'active',
        StatusText: 'waiting for a client',
        NRestarts: '0',
      });
    });

    it('has two capabilities and a user of its own, and yet its settings, which only root can read', async () => {
      assert.equal(statSync('/etc/ipipou/server.conf').mode & 0o777, 0o600);
      const { MainPID } = await show(unit('server'), 'MainPID');
      const status = readFileSync(`/proc/${MainPID!}/status`, 'utf8');
      const netAdminAndRaw = '0000000000003000';
      for (const set of ['CapEff', 'CapPrm', 'CapBnd', 'CapAmb']) {
        assert.equal(new RegExp(`^${set}:\\s+(\\w+)$`, 'm').exec(status)?.[1], netAdminAndRaw, set);
      }
      const uid = Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]);
      assert.ok(uid >= 61_184 && uid <= 65_519, `uid ${uid}`);
    });
  });

  describe('a client', () => {
    it('is active only when its first auth packet has left', async () => {
      await far.nft('table ip wall { chain out { type filter hook output priority 0; udp dport 10000 drop; }; }');
      await systemctl('start', '--no-block', unit('client'));
      await becomes(unit('client'), { StatusText: /could not be sent/ });
      assert.deepEqual(await show(unit('client'), 'ActiveState'), { ActiveState: 'activating' });
      await far.nft('delete table ip wall');
      await becomes(unit('client'), { ActiveState: 'active', StatusText: 'server at 192.0.2.1:10000 has answered' });
    });

    it('has a tunnel that carries both ways, and the server knows where it is', async () => {
      assert.ok(await answersPing(far, SERVER_INNER));
      assert.ok(await answersPing(here, CLIENT_INNER));
      assert.deepEqual(await show(unit('server'), 'StatusText'), { StatusText: 'client at 192.0.2.2:10000' });
    });

    it('authenticates again by a reload', async () => {
      const answers = await said('client', 'the server answered');
      await systemctl('reload', unit('client'));
      await waitUntil(async () => (await said('client', 'the server answered')) > answers, { what: 'another answer' });
      assert.equal(await said('client', 'SIGUSR1: authenticating again'), 1);
      await becomes(unit('client'), { ActiveState: 'active', SubState: 'running', NRestarts: '0' });
    });
  });

  describe('a command beside a service', () => {
    const FILE = '/var/lib/ipipou/client/ipipou0.client.json';
    const AHEAD_SECONDS = 100;

    it('authenticates once more, no older than the service did, and leaves the file to that', async () => {
      await systemctl('stop', unit('client'));
      const { uid } = statSync(FILE);
      const ahead = Math.floor(Date.now() / 1000) + AHEAD_SECONDS;
      writeFileSync(FILE, `{"version":1,"lastSigned":${ahead}}\n`);
      await far.exec(['ipipou-ts', '--config', 'client', '--reauth-only']);
      const accepted = (): boolean => {
        const text = readFileSync('/var/lib/ipipou/server/ipipou0.server.json', 'utf8');
        const { guards } = JSON.parse(text) as { guards: { run: [number, number] }[] };
        return (guards[0]?.run[1] ?? 0) >= ahead;
      };
      await waitUntil(accepted, { what: 'the time of the packet in the file of the server' });
      const { lastSigned } = JSON.parse(readFileSync(FILE, 'utf8')) as { lastSigned: number };
      assert.ok(lastSigned >= ahead, String(lastSigned));
      assert.equal(statSync(FILE).uid, uid);
      assert.ok(!existsSync('/var/lib/ipipou/ipipou0.client.json'));
    });

    it('is no obstacle to its next start', async () => {
      await systemctl('start', unit('client'));
      await becomes(unit('client'), { StatusText: /has answered/ });
      assert.equal(await said('client', 'signing by the clock alone'), 0);
    });
  });

  describe('a killed process', () => {
    for (const side of ['server', 'client'] as const) {
      it(`is started again if it was the ${side}, and no ping is lost`, async () => {
        const pinging = startPing(scope, far, SERVER_INNER, { intervalMs: 50 });
        await waitUntil(() => pinging.received.length > 5, { what: 'answers' });
        await killMain(side);
        await becomes(unit(side), { NRestarts: '1', ActiveState: 'active' });
        const count = pinging.received.length;
        await waitUntil(() => pinging.received.length > count + 10, { what: 'more answers' });
        assert.deepEqual((await pinging.stop()).lost, []);
      });
    }

    it('takes over what it left', async () => {
      assert.match(await journal('server'), /taken over, bound to 192\.0\.2\.2/);
      assert.deepEqual(await show(unit('server'), 'StatusText'), { StatusText: 'client at 192.0.2.2:10000' });
    });
  });

  describe('two tunnels at once', () => {
    before(async () => {
      const example = (name: string): string[] =>
        readFileSync(`/etc/ipipou/${name}.conf`, 'utf8')
          .replace(/^number .*/m, 'number 1')
          .split('\n');
      conf('server1', example('server'));
      conf(
        'client1',
        example('client').map((line) => line.replace(/:10000$/, ':10001')),
      );
      chmodSync('/etc/ipipou/server1.conf', 0o644);
      dropIn('client1', ['[Service]', 'NetworkNamespacePath=/run/netns/far']);
      await systemctl('daemon-reload');
      await systemctl('start', unit('server1'), unit('client1'));
    });

    it('both carry, also after a restart of one', async () => {
      await becomes(unit('client1'), { StatusText: /has answered/ });
      assert.ok(await answersPing(far, '172.28.0.2'));
      await systemctl('restart', unit('server1'));
      assert.ok(await answersPing(far, SERVER_INNER));
    });

    it('are warned about settings with keys that all users can read, by the name of the file', async () => {
      const warning = /WARN \/etc\/ipipou\/server1\.conf: holds a secret, and every user can read it \(mode 0644\)/;
      assert.match(await journal('server1'), warning);
      assert.doesNotMatch(await journal('server'), /every user can read/);
    });

    it('remember in folders of their own', () => {
      assert.ok(statSync('/var/lib/ipipou/server/ipipou0.server.json').isFile());
      assert.ok(statSync('/var/lib/ipipou/server1/ipipou1.server.json').isFile());
    });

    it('stop singly: nothing is left of the one, and the other carries on', async () => {
      await systemctl('stop', unit('server1'), unit('client1'));
      for (const [ns, kept] of [
        [here, 'server'],
        [far, 'client'],
      ] as const) {
        assert.deepEqual(
          (await ourLinks(ns)).filter((line) => line.startsWith('ipipou1')),
          [],
          kept,
        );
      }
      assert.ok(await answersPing(far, SERVER_INNER));
    });
  });

  describe('the target', () => {
    it('stops all, successfully, and nothing is left', async () => {
      await systemctl('start', 'ipipou.target');
      await systemctl('stop', 'ipipou.target');
      for (const name of ['server', 'client']) {
        // The target is down before those that belong to it are.
        await becomes(unit(name), { ActiveState: 'inactive', Result: 'success', ExecMainStatus: '0' });
      }
      for (const ns of [here, far]) {
        assert.deepEqual(await ourLinks(ns), []);
        assert.equal((await ns.exec(['nft', 'list', 'ruleset'])).stdout.trim(), '');
        assert.equal((await ns.exec(['ip', 'fou', 'show'])).stdout.trim(), '');
      }
    });

    it('starts those that are enabled', async () => {
      await systemctl('start', 'ipipou.target');
      await becomes(unit('server'), { ActiveState: 'active' });
      assert.deepEqual(await show(unit('client'), 'ActiveState'), { ActiveState: 'inactive' });
    });
  });

  describe('a failing start', () => {
    it('over a mistake in the settings names its line, and is not tried again', async () => {
      conf('wrong', ['server', 'number many']);
      await assert.rejects(systemctl('start', unit('wrong')));
      assert.deepEqual(await show(unit('wrong'), 'ActiveState', 'Result', 'ExecMainStatus', 'NRestarts'), {
        ActiveState: 'failed',
        Result: 'exit-code',
        ExecMainStatus: '2',
        NRestarts: '0',
      });
      assert.match(await journal('wrong'), /error: \/etc\/ipipou\/wrong\.conf:2: number: 'many'/);
    });

    it('for want of settings says so, and is not tried again', async () => {
      await assert.rejects(systemctl('start', unit('absent')), /Assertion failed/);
      assert.deepEqual(await show(unit('absent'), 'ActiveState', 'AssertResult'), {
        ActiveState: 'inactive',
        AssertResult: 'no',
      });
    });

    it('with exit code 1 is tried again; 200 is success', async () => {
      for (const code of [200, 1]) {
        const name = `code${code}`;
        conf(name, []);
        dropIn(name, ['[Service]', 'Type=exec', 'ExecStart=', `ExecStart=sh -c 'exit ${code}'`]);
      }
      await systemctl('daemon-reload');
      await systemctl('start', unit('code200'), unit('code1'));
      // Only the journal tells: systemd forgets the properties of a unit that ended well.
      const ended = /Deactivated successfully|Failed with result/;
      await waitUntil(async () => ended.test(await journal('code200')), { what: 'the end with code 200' });
      assert.match(await journal('code200'), /Deactivated successfully/);
      assert.deepEqual(await show(unit('code200'), 'ActiveState'), { ActiveState: 'inactive' });
      await becomes(unit('code1'), { NRestarts: /^[1-9]/ });
      await systemctl('stop', unit('code1'));
    });
  });
});
