/** The command on this host, whatever it has; what it says is compared with what iproute2 can do here. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Finding, Report } from '../../src/doctor/index.js';
import { TestNamespace } from '../support/namespace.js';
import { preload } from '../lab/support/preload.js';
import { needsRoot } from '../support/skip.js';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const OUTER = '10.9.6.1';

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(namespace: TestNamespace, args: readonly string[], wrapper: readonly string[] = []): Run {
  const command = [...wrapper, process.execPath, '--import', 'tsx', MAIN, 'doctor', ...args];
  const { status, stdout, stderr } = spawnSync('ip', ['netns', 'exec', namespace.name, ...command], {
    encoding: 'utf8',
  });
  return { code: status, stdout, stderr };
}

function examine(namespace: TestNamespace, args: readonly string[] = [], wrapper: readonly string[] = []) {
  const { code, stdout, stderr } = run(namespace, ['--json', ...args], wrapper);
  assert.equal(stderr, '');
  const report = JSON.parse(stdout) as Report & { readonly format: number };
  const find = (id: string): Finding => report.findings.find((one) => one.id === id) ?? assert.fail(id);
  return { code, report, find };
}

describe('doctor on this host', function () {
  this.timeout(30_000);
  before(needsRoot);
  let here: TestNamespace;
  let trial: TestNamespace;

  before(() => {
    [here, trial] = [new TestNamespace(), new TestNamespace()];
    execFileSync('ip', [
      'link',
      'add',
      'wan',
      'netns',
      here.name,
      'type',
      'veth',
      'peer',
      'name',
      'w',
      'netns',
      trial.name,
    ]);
    here.ip('addr', 'add', `${OUTER}/24`, 'dev', 'wan');
    here.ip('link', 'set', 'wan', 'up');
    trial.ip('link', 'set', 'w', 'up');
    here.ip('route', 'add', 'default', 'via', '10.9.6.2');
  });
  after(() => {
    here.remove();
    trial.remove();
  });

  const can = (...args: string[]): boolean => spawnSync('ip', ['-n', trial.name, ...args]).status === 0;

  it('says of each part what can be made here by other means', () => {
    const { find } = examine(here, ['-s']);
    const status = (id: string): boolean => find(id).status === 'ok';
    assert.equal(status('ipip'), can('link', 'add', 'x1', 'type', 'ipip', 'remote', '192.0.2.1'));
    assert.equal(status('dummy'), can('link', 'add', 'x2', 'type', 'dummy'));
    assert.equal(status('fou'), can('fou', 'add', 'port', '7777', 'ipproto', '4'));
    assert.equal(status('tun'), can('tuntap', 'add', 'x3', 'mode', 'tun'));
  });

  it('ends with 0 or 60 as its verdict on the chosen plane says', () => {
    const { code, report } = examine(here, ['-s']);
    assert.equal(code, report.fit ? 0 : 60);
    const kernel = ['fou', 'ipip', 'ipip-in-udp', 'dummy', 'nf-tables', 'nft-rules', 'nft-queue', 'nfnetlink-queue'];
    const lacks = report.findings.filter(({ id, status }) => kernel.includes(id) && status !== 'ok');
    assert.equal(report.verdicts.find(({ plane }) => plane === 'kernel')?.runs, lacks.length === 0 ? 'yes' : 'no');
  });

  it('leaves nothing behind', () => {
    const state = (): string[] => [
      here.ip('link'),
      // Duplicate address detection ends by itself meanwhile.
      here.ip('addr').replaceAll(' tentative', ''),
      here.run('nft', 'list', 'ruleset'),
      execFileSync('ip', ['link'], { encoding: 'utf8' }),
    ];
    const before = state();
    examine(here, ['-s']);
    assert.deepEqual(state(), before);
  });

  it('names the rule that drops the port, and the chain that drops what leaves', () => {
    here.loadRuleset(
      'table inet fw {\nchain in {\ntype filter hook input priority 0; policy drop;\nudp dport 10001 accept\n}\nchain out {\ntype filter hook output priority 0;\nudp sport 10001 drop\n}\n}\n',
    );
    const closed = examine(here, ['-s']);
    assert.match(closed.find('firewall-in').found, /is dropped: the policy of chain in in table inet fw$/);
    assert.equal(closed.find('firewall-out').status, 'ok');
    const open = examine(here, ['-s', '-n1']);
    assert.equal(open.find('firewall-in').status, 'ok');
    assert.match(
      open.find('firewall-out').found,
      /is dropped: the rule with handle \d+ of chain out in table inet fw$/,
    );
    here.run('nft', 'flush', 'ruleset');
  });

  it('names what drops traffic that the tunnel is to forward, and of which pool nothing comes back', () => {
    // As Docker leaves it, with the last word of firewalld.
    here.loadRuleset(
      'table ip filter {\nchain DOCKER-USER {\nct state established accept\n}\nchain FORWARD {\ntype filter hook forward priority 0; policy drop;\njump DOCKER-USER\niifname "docker0" accept\n}\n}\n',
    );
    const egress = [
      ...['-s', '--auth-none', '--egress', 'rotate addresses=198.51.100.0/24 protocols=tcp'],
      ...['--egress', 'rotate addresses=10.9.6.128/26 protocols=udp'],
    ];
    const closed = examine(here, egress);
    assert.match(
      closed.find('egress-out').found,
      /^what comes out of ipipou0 is dropped: the policy of chain FORWARD in table ip filter$/,
    );
    assert.match(closed.find('egress-out').remedy ?? '', /iptables -I DOCKER-USER -i ipipou0 -j ACCEPT/);
    assert.equal(closed.find('egress-back').status, 'ok');
    assert.match(
      closed.find('egress-pool-1').found,
      /^a packet sent to 198\.51\.100\.\d+ by way of 10\.9\.6\.2 did not/,
    );
    assert.match(closed.find('egress-pool-2').found, /belongs to the link of wan, where nobody answers/);
    assert.equal(closed.find('egress-pool-2').status, 'lack');

    here.run('nft', 'insert', 'rule', 'ip', 'filter', 'DOCKER-USER', 'iifname', 'ipipou0', 'accept');
    const open = examine(here, [...egress, '--egress-announce', 'wan']);
    assert.equal(open.find('egress-out').status, 'ok');
    assert.match(open.find('egress-pool-2').found, /is announced on wan$/);
    assert.equal(
      examine(here, ['-s']).report.findings.some(({ section }) => section === 'Egress'),
      false,
    );
    here.run('nft', 'flush', 'ruleset');
  });

  it('names what drops the IPv6 that the tunnel is to forward', () => {
    here.loadRuleset('table ip6 filter {\nchain FORWARD {\ntype filter hook forward priority 0; policy drop;\n}\n}\n');
    const egress = ['-s', '--auth-none', '--egress', 'rotate addresses=2001:db8:5::/64'];
    const closed = examine(here, [...egress, '--tunl-ip6', 'fd00::1']);
    for (const way of ['out', 'back']) {
      assert.equal(closed.find(`egress-${way}`).status, 'ok');
      assert.match(
        closed.find(`egress-${way}-ipv6`).found,
        /^what of IPv6 .* ipipou0 is dropped: the policy of chain FORWARD in table ip6 filter$/,
      );
    }
    assert.match(closed.find('egress-out-ipv6').remedy ?? '', /ip6tables -I FORWARD -i ipipou0 -j ACCEPT/);
    const without = examine(here, egress);
    assert.equal(
      without.report.findings.some(({ id }) => id === 'egress-out-ipv6'),
      false,
    );
    here.run('nft', 'flush', 'ruleset');
  });

  it('names the program that has the port', async () => {
    const [ready, holder] = holdPort(here, 10_002);
    try {
      await ready;
      const { find, report } = examine(here, ['-s', '-n2']);
      assert.match(find('port').found, new RegExp(`^in use by .*process ${holder.pid}$`));
      assert.equal(report.fit, false);
    } finally {
      holder.kill();
    }
  });

  it('tells a device of somebody else from one of its own', () => {
    here.ip('link', 'add', 'ipipou7', 'type', 'veth', 'peer', 'name', 'other');
    assert.match(examine(here, ['-s', '-n7']).find('device').found, /not ours \(veth\)/);
    here.ip('link', 'del', 'ipipou7');
  });

  it('judges as far as it can without rights, and says which are missing', () => {
    const { code, find, report } = examine(here, ['-s'], ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--']);
    assert.equal(code, 60);
    assert.equal(find('capabilities').found, 'this process lacks CAP_NET_ADMIN and CAP_NET_RAW');
    assert.match(find('proof').found, /^only a TUN device could be tried: make a network namespace: .*\(EPERM\)$/);
    assert.deepEqual(
      report.verdicts.map(({ runs }) => runs),
      ['no', 'no'],
    );
  });

  it('is fit where it may make devices but no namespace, as in most containers', () => {
    const drop = ['setpriv', '--bounding-set=-sys_admin', '--inh-caps=-sys_admin', '--'];
    const { code, find, report } = examine(here, ['-s'], drop);
    assert.equal(find('proof').status, 'warn');
    assert.equal(find('tun').status, 'ok');
    assert.deepEqual(report.verdicts.find(({ plane }) => plane === 'userspace')?.runs, 'yes');
    assert.equal(code, 0);
  });

  it('says what is missing where the C library cannot be called', () => {
    const { NODE_OPTIONS } = preload('no-koffi');
    const { code, find, report } = examine(here, ['-s'], ['env', `NODE_OPTIONS=${NODE_OPTIONS}`]);
    assert.equal(code, 60);
    assert.match(find('native').found, /koffi cannot be loaded/);
    assert.deepEqual(
      report.verdicts.map(({ runs }) => runs),
      ['no', 'no'],
    );
  });

  it('does without a network', () => {
    const empty = new TestNamespace();
    try {
      const { find, code } = examine(empty);
      assert.match(find('outer').found, /there is no default route/);
      assert.equal(code, 60);
    } finally {
      empty.remove();
    }
  });

  it('prints lines of a table without colour where nobody sees it', () => {
    const { stdout, stderr } = run(here, ['-s']);
    assert.equal(stderr, '');
    assert.ok(!stdout.includes('\u001b'));
    for (const line of stdout.split('\n'))
      assert.match(line, /^$|^[A-Z]\S.*$|^ {2}(ok {2}|warn|lack|skip) {2}\S| {8}(means:|do: {3}) \S/);
  });
});

/** A process that has a UDP port; resolves when it does. */
function holdPort(namespace: TestNamespace, port: number): [Promise<unknown>, ChildProcess] {
  const script = `require('dgram').createSocket('udp4').bind(${port}, () => console.log('bound'))`;
  const child = spawn('nsenter', [`--net=/run/netns/${namespace.name}`, process.execPath, '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return [once(child.stdout, 'data'), child];
}
