import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Facts } from '../../src/doctor/facts.js';
import type { Finding } from '../../src/doctor/finding.js';
import { judge } from '../../src/doctor/judge.js';
import type { ChosenPlane } from '../../src/doctor/verdict.js';
import { WORKS } from '../../src/doctor/trial.js';
import { CLIENT, healthy, NOTHING_TRIED, OUTER, REFUSED, SERVER, UNTRIED, type Changes } from './support/facts.js';

const report = (changes: Changes = {}, chosen: ChosenPlane = 'kernel') => judge(healthy(changes), chosen);

function find(id: string, changes: Changes = {}): Finding {
  const found = report(changes).findings.find((one) => one.id === id);
  assert.ok(found !== undefined, id);
  return found;
}
const runs = (changes: Changes) =>
  Object.fromEntries(report(changes).verdicts.map(({ plane, runs: how }) => [plane, how]));

describe('a host that has everything', () => {
  it('is fit, with nothing but ok', () => {
    for (const options of [SERVER, CLIENT]) {
      const { fit, findings } = report({ options });
      assert.deepEqual(
        findings.filter(({ status }) => status !== 'ok'),
        [],
      );
      assert.ok(fit);
    }
  });
});

describe('a report', () => {
  /** Every way in which one fact can be bad, and some that are only strange. */
  const BAD: readonly Changes[] = [
    { host: { kernelRelease: '5.4.0-1' } },
    { host: { kernelRelease: 'custom' } },
    { host: { nativeFault: 'koffi cannot be loaded' } },
    { host: { glibc: undefined } },
    { host: { architecture: 'riscv64' } },
    { host: { missingCapabilities: ['CAP_NET_RAW'] } },
    { trials: NOTHING_TRIED },
    ...(
      ['fouListener', 'tunnelLink', 'fouLink', 'dummyLink', 'nftTable', 'ruleset', 'queueRule', 'queue'] as const
    ).flatMap((name) => [{ trials: { [name]: REFUSED } }, { trials: { [name]: UNTRIED } }]),
    ...(['tun', 'tunOffloads', 'udpSegmentation', 'udpCoalescing'] as const).map((name) => ({
      trials: { [name]: REFUSED },
    })),
    { network: { outer: 'there is no default route' } },
    { network: { remoteFault: 'no such name' } },
    { network: { ipForward: false } },
    { network: { ipForward: undefined, reversePathFilter: undefined } },
    { network: { ipv6: 'on', ipv6Forward: false } },
    { network: { ipv6: 'on', ipv6Forward: undefined } },
    { network: { reversePathFilter: 1, outer: { ...OUTER, returnDevice: 'eth1' } } },
    { network: { openLinks: [{ name: 'tunl0', up: true }] } },
    { network: { gueListeners: [4500] } },
    { network: { ipv6: 'off' } },
    { network: { ipv6: 'absent' } },
    { use: { portOwner: 'dnsmasq, process 7' } },
    { use: { deviceTakenBy: 'dummy' } },
    { use: { listener: { kind: 'foreign', message: 'it is of another tunnel' } } },
    { firewall: { unread: ['tables of family ip: no'] } },
    { firewall: { legacyTables: { 4: ['filter'], 6: [] } } },
    { path: { kind: 'failed', message: 'no route' } },
    { path: { kind: 'probed', mtu: 1200, proven: false } },
    { clock: { kind: 'silent', why: 'the server did not answer' } },
    { clock: { kind: 'timed', offsetSeconds: -90, roundTripMs: 5 } },
    { clock: { kind: 'untimed' } },
  ];

  it('says of each warning what it means, and of each lack what to do besides', () => {
    for (const changes of BAD) {
      for (const options of [SERVER, CLIENT]) {
        for (const { id, status, means, remedy } of report({ ...changes, options }).findings) {
          if (status === 'warn' || status === 'lack') assert.ok(means !== undefined, id);
          if (status === 'lack') assert.ok(remedy !== undefined && remedy !== '', id);
        }
      }
    }
  });

  it('has each id once, in lower case with hyphens', () => {
    for (const changes of BAD) {
      const ids = report(changes).findings.map(({ id }) => id);
      assert.deepEqual(ids, [...new Set(ids)]);
      for (const id of ids) assert.match(id, /^[a-z]+[0-9]*(-[a-z]+)*$/);
    }
  });

  it('calls a plane able only where no finding is against it, and fit only what was chosen and is able', () => {
    const any = fc.constantFrom(...BAD);
    const chosen = fc.constantFrom<ChosenPlane[]>('kernel', 'userspace', 'auto');
    fc.assert(
      fc.property(any, any, chosen, (one, other, plane) => {
        const merged: Changes = {
          ...one,
          ...other,
          trials: { ...one.trials, ...other.trials },
          network: { ...one.network, ...other.network },
        };
        const { fit, verdicts, findings } = report(merged, plane);
        for (const { plane: name, runs: how } of verdicts) {
          const against = findings.some(({ blocks, leavesOpen }) =>
            [...(blocks ?? []), ...(leavesOpen ?? [])].includes(name),
          );
          assert.equal(how === 'yes', !against);
        }
        assert.equal(
          fit,
          verdicts.some((one) => one.runs === 'yes' && (plane === 'auto' || plane === one.plane)),
        );
      }),
    );
  });
});

describe('the verdict', () => {
  it('tells the planes apart', () => {
    assert.deepEqual(runs({ network: { ipv6: 'off' } }), { kernel: 'no', userspace: 'no' });
    assert.deepEqual(runs({ network: { ipv6: 'on' } }), { kernel: 'yes', userspace: 'yes' });
    assert.deepEqual(runs({ trials: { tunnelLink: REFUSED } }), { kernel: 'no', userspace: 'yes' });
    assert.deepEqual(runs({ trials: { tun: REFUSED } }), { kernel: 'yes', userspace: 'no' });
    assert.deepEqual(runs({ host: { missingCapabilities: ['CAP_NET_ADMIN'] } }), { kernel: 'no', userspace: 'no' });
    assert.deepEqual(runs({ host: { missingCapabilities: ['CAP_NET_RAW'] } }), { kernel: 'no', userspace: 'yes' });
  });

  it('names what it is because of', () => {
    const { found } = find('kernel-plane', { trials: { tunnelLink: REFUSED, dummyLink: REFUSED } });
    assert.equal(found, 'cannot run, because of: ipip, dummy');
  });

  it('is not proven where nothing could be tried', () => {
    assert.deepEqual(runs({ trials: NOTHING_TRIED }), { kernel: 'unproven', userspace: 'unproven' });
    assert.equal(report({ trials: NOTHING_TRIED }).fit, false);
  });

  it('is no where nothing could be tried, and the lists have not got the module', () => {
    const changes = { trials: NOTHING_TRIED, host: { modules: { fou: 'absent' as const } } };
    assert.equal(runs(changes)['kernel'], 'no');
  });

  it('is fit by either plane where it may be any', () => {
    assert.ok(report({ trials: { fouListener: REFUSED } }, 'auto').fit);
    assert.ok(!report({ trials: { fouListener: REFUSED } }, 'kernel').fit);
    assert.ok(report({ trials: { tun: REFUSED } }, 'auto').fit);
    assert.ok(!report({ trials: { tun: REFUSED, fouListener: REFUSED } }, 'auto').fit);
  });

  it('takes a client for able without filter and queue, and a server not', () => {
    for (const trials of [
      { queueRule: REFUSED },
      { queue: REFUSED },
      { nftTable: REFUSED, ruleset: UNTRIED, queueRule: UNTRIED },
    ]) {
      assert.equal(runs({ options: CLIENT, trials })['kernel'], 'yes');
      assert.equal(runs({ options: SERVER, trials })['kernel'], 'no');
      // Where there is a choice, the other plane is shut.
      const { verdicts } = report({ options: CLIENT, trials }, 'auto');
      assert.equal(verdicts.find(({ plane }) => plane === 'kernel')?.runs, 'no');
    }
  });
});

describe('a module that is missing', () => {
  const remedy = (place: Facts['host']['modules'][string]): string =>
    find('fou', { trials: { fouListener: REFUSED }, host: { modules: { fou: place } } }).remedy ?? '';

  it('is to be loaded where its file is there, else another kernel installed', () => {
    assert.match(remedy('file'), /^the module fou is there: run "modprobe fou"/);
    assert.match(remedy('absent'), /^install a kernel that has fou/);
    assert.doesNotMatch(remedy('builtin'), /modprobe|install/);
  });
});

describe('the configuration', () => {
  it('is skipped where none was given', () => {
    const facts = healthy({ options: [] });
    const { findings } = judge({ ...facts, config: { ...facts.config, given: false } }, 'kernel');
    assert.equal(findings.find(({ id }) => id === 'configuration')?.status, 'skip');
  });

  it('is warned about where it is not complete, and does not hinder the rest', () => {
    const finding = find('configuration', {
      options: [{ name: 'server', value: undefined, origin: { kind: 'argv' } }],
    });
    assert.equal(finding.status, 'warn');
    assert.match(finding.found, /nothing says whom this server lets in/);
  });
});

describe('the network', () => {
  it('names links that take packets from anyone, if they are up', () => {
    const { status, found, remedy } = find('open-links', {
      network: {
        openLinks: [
          { name: 'tunl0', up: true },
          { name: 'any1', up: false },
        ],
      },
    });
    assert.deepEqual([status, found], ['warn', 'tunl0 is up, with remote any']);
    assert.equal(remedy, 'unless it is wanted: ip link set tunl0 down');
    assert.equal(find('open-links').found, 'tunl0: down, as they should be');
  });

  it('lets the port be in use by the tunnel itself', () => {
    const use = { tunnelIsUp: true, listener: { kind: 'ours' as const } };
    assert.deepEqual([find('port', { use }).status, find('device', { use }).status], ['ok', 'ok']);
    // A server without a client has no device yet.
    const waiting = find('port', { use: { ...use, tunnelIsUp: false } });
    assert.deepEqual([waiting.status, waiting.found], ['ok', 'in use by this tunnel, which runs or was killed']);
  });

  it('warns of a strict reverse path filter only where the way back is another one', () => {
    const strict = (returnDevice: string | undefined) =>
      find('rp-filter', { network: { reversePathFilter: 1, outer: { ...OUTER, returnDevice } } }).status;
    assert.deepEqual([strict('eth0'), strict('eth1'), strict(undefined)], ['ok', 'warn', 'warn']);
    assert.equal(find('rp-filter', { network: { reversePathFilter: 2 } }).status, 'ok');
  });

  it('minds forwarding on a server only', () => {
    const network = { ipForward: false };
    assert.deepEqual(
      [find('ip-forward', { network }).status, find('ip-forward', { network, options: CLIENT }).status],
      ['warn', 'ok'],
    );
  });

  it('minds forwarding of IPv6 where the tunnel is to carry it, by itself', () => {
    const judged = (ipv6: 'on' | 'unasked', ipForward: boolean, ipv6Forward: boolean) =>
      report({ network: { ipv6, ipForward, ipv6Forward } })
        .findings.filter(({ id }) => id.endsWith('-forward'))
        .map(({ id, status }) => [id, status]);
    assert.deepEqual(judged('unasked', true, false), [['ip-forward', 'ok']]);
    assert.deepEqual(judged('on', true, false), [
      ['ip-forward', 'ok'],
      ['ipv6-forward', 'warn'],
    ]);
    assert.deepEqual(judged('on', false, true), [
      ['ip-forward', 'warn'],
      ['ipv6-forward', 'ok'],
    ]);
  });
});

describe('the firewall', () => {
  const drop = {
    tables: [
      {
        family: 'inet' as const,
        name: 'fw',
        chains: [
          {
            family: 'inet' as const,
            table: 'fw',
            name: 'input',
            handle: 1n,
            comment: undefined,
            base: { type: 'filter' as const, hook: 'input' as const, priority: 0, policy: 'drop' as const },
          },
        ],
        rules: [],
        sets: [],
      },
    ],
  };

  it('is a lack where it drops the port, with the chain and what to do, and leaves the plane able', () => {
    const { status, found, remedy } = find('firewall-in', { firewall: drop });
    assert.equal(status, 'lack');
    assert.equal(found, 'UDP to port 10000 is dropped: the policy of chain input in table inet fw');
    assert.match(remedy ?? '', /udp dport 10000 accept/);
    assert.ok(report({ firewall: drop }).fit);
    assert.equal(find('firewall-out', { firewall: drop }).status, 'ok');
  });

  it('says what it could not judge', () => {
    const { status, found } = find('firewall-in', { firewall: { legacyTables: { 4: ['filter', 'nat'], 6: [] } } });
    assert.equal(status, 'warn');
    assert.match(found, /older iptables are not judged \(tables filter, nat/);
  });
});

describe('the path and the clock', () => {
  it('say what fits inside, and whether somebody answered', () => {
    assert.match(find('path-mtu').found, /^1500 bytes, so 1472 inside; the other side answered/);
    const { status, found } = find('path-mtu', { path: { kind: 'probed', mtu: 1400, proven: false } });
    assert.equal(status, 'skip');
    assert.match(
      found,
      /^not proven: 1400 bytes, so 1372 inside; nobody on the way objected .* and nobody answered it$/,
    );
  });

  it('warn of an MTU that was asked for and does not fit', () => {
    const options = [...SERVER, { name: 'tunl-mtu', value: '1480', origin: { kind: 'argv' } } as const];
    const { status, remedy } = find('path-mtu', { options });
    assert.equal(status, 'warn');
    assert.match(remedy ?? '', /^--tunl-mtu 1472 on both sides/);
  });

  it('call clocks equal within what whole seconds can tell', () => {
    const clock = (offsetSeconds: number) => find('clock', { clock: { kind: 'timed', offsetSeconds, roundTripMs: 4 } });
    assert.equal(clock(1.4).found, 'agrees with ours (answered after 4 ms)');
    assert.deepEqual([clock(4).status, clock(-4).status, clock(6).status], ['ok', 'ok', 'warn']);
    assert.match(clock(-90).found, /^90 s behind ours/);
    assert.match(clock(3600).found, /^3600 s ahead of ours/);
  });
});

describe('a trial that works', () => {
  it('is ok whatever the lists of modules say', () => {
    assert.equal(find('fou', { trials: { fouListener: WORKS }, host: { modules: { fou: 'absent' } } }).status, 'ok');
  });
});
