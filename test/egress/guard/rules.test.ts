/** The routing rules of the guard, judged by what `ip route get` says of a packet. */
import assert from 'node:assert/strict';
import { EGRESS_MARK, GuardRules } from '../../../src/egress/guard/rules.js';
import { describeInNamespace } from '../../support/namespace.js';

const FOREIGN_BIT = 1;
const ROUTES = { '-4': ['10.9.0.9', '172.28.0.1'], '-6': ['fd09::9', 'fd28::2'] } as const;
const FAMILIES = ['-4', '-6'] as const;

describeInNamespace('egress/guard/rules', (host) => {
  const lines: string[] = [];
  const opened: GuardRules[] = [];
  const guard = (): GuardRules => {
    const one = host().inside(() => new GuardRules((line) => lines.push(line())));
    opened.push(one);
    return one;
  };
  const rules = (): string => host().ip('-4', 'rule') + host().ip('-6', 'rule');
  /** Whether a packet with that mark that came in by that device is led on. */
  const passes = (mark: number, device = 'tun0'): boolean => {
    const answers = FAMILIES.map((family) => {
      const [to, from] = ROUTES[family];
      try {
        return host()
          .ip(family, 'route', 'get', to, 'from', from, 'iif', device, 'mark', String(mark))
          .includes('eth0');
      } catch (error) {
        assert.match(String(error), /Permission denied/);
        return false;
      }
    });
    assert.equal(answers[0], answers[1], 'IPv4 and IPv6 are not treated alike');
    return answers[0]!;
  };

  let untouched: string;
  before(() => {
    host().ip('link', 'add', 'tun0', 'type', 'veth', 'peer', 'name', 'tun1');
    host().ip('link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1');
    host().ip('link', 'set', 'eth1', 'up');
    for (const [index, device] of ['tun0', 'tun1', 'eth0'].entries()) {
      host().ip('link', 'set', device, 'up');
      host().ip('addr', 'add', `10.${index + 7}.0.1/24`, 'dev', device);
      host().ip('addr', 'add', `fd0${index + 7}::1/64`, 'dev', device, 'nodad');
    }
    host().ip('route', 'add', '172.28.0.0/16', 'dev', 'tun0');
    host().ip('route', 'add', 'fd28::/64', 'dev', 'tun0');
    host().run('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
    untouched = rules();
    assert.ok(passes(0));
  });
  afterEach(async () => {
    for (const one of opened.splice(0)) {
      await one.open(['tun0', 'tun1']);
      one.close();
    }
    lines.length = 0;
    for (const [family, table] of FAMILIES.flatMap((one) => ['100', '200'].map((two) => [one, two] as const)))
      host().ip(family, 'rule', 'flush', 'table', table);
  });

  const ALONE = ['tun0'];
  const OTHERS = ['tun1'];
  const MADE = { made: 2, moved: 0, ahead: undefined };
  const NOTHING = { made: 0, moved: 0, ahead: undefined };

  it('goes by the device of a single tunnel, whatever else its packets are marked with', async () => {
    assert.deepEqual(await guard().shut(ALONE), MADE);
    for (const mark of [0, FOREIGN_BIT]) assert.ok(!passes(mark), `mark ${mark}`);
    assert.ok(passes(EGRESS_MARK));
    assert.ok(passes(EGRESS_MARK | FOREIGN_BIT));
    assert.ok(passes(0, 'tun1'));
  });

  it('stands ahead of rules of others, also of those that come later, and leaves their order alone', async () => {
    const add = (...words: string[]): void => {
      for (const family of FAMILIES) host().ip(family, 'rule', 'add', ...words);
    };
    for (const family of FAMILIES) host().ip(family, 'route', 'add', 'default', 'dev', 'eth0', 'table', '100');
    const [one, other] = [guard(), guard()];
    add('priority', '1000', 'from', 'all', 'lookup', '100');
    assert.deepEqual(await one.shut(ALONE), MADE);
    assert.ok(!passes(0));
    await other.shut(OTHERS);
    // As wg-quick does: the later one, which has no priority either, is to be asked first.
    add('lookup', '100');
    assert.ok(passes(0));
    assert.deepEqual(await one.shut(ALONE), { made: 0, moved: 2, ahead: undefined });
    assert.deepEqual(await other.shut(OTHERS), { made: 0, moved: 2, ahead: undefined });
    assert.deepEqual(await one.shut(ALONE), NOTHING);
    assert.ok(!passes(0));
    assert.ok(!passes(0, 'tun1'));
    add('lookup', '200');
    await one.shut(ALONE);
    await other.shut(OTHERS);
    const order = [
      ...host()
        .ip('rule')
        .matchAll(/lookup (100|200|main)|prohibit/g),
    ].map(([words]) => words);
    assert.deepEqual(order, ['prohibit', 'prohibit', 'lookup 200', 'lookup 100', 'lookup 100', 'lookup main']);
    await other.open(OTHERS);
  });

  it('says whose rule there is no room ahead of', async () => {
    host().ip('rule', 'add', 'priority', '0', 'from', '192.0.2.1', 'lookup', '100');
    const one = guard();
    const { made, ahead } = await one.shut(ALONE);
    assert.deepEqual([made, ahead?.family, ahead?.priority], [2, 'ip', 0]);
    assert.equal((await one.shut(ALONE)).moved, 0);
    host().ip('rule', 'add', 'priority', '500', 'lookup', '100');
    assert.equal((await one.shut(ALONE)).moved, 1, 'it stands ahead of the rest');
    host().ip('rule', 'del', 'from', '192.0.2.1');
  });

  it('knows which rules were missing', async () => {
    const one = guard();
    assert.deepEqual(await one.shut(ALONE), MADE);
    assert.deepEqual(await one.shut(ALONE), NOTHING);
    host().ip('-6', 'rule', 'del', 'prohibit');
    assert.deepEqual(await one.shut(ALONE), { made: 1, moved: 0, ahead: undefined });
  });

  it('says its rules as commands that make and remove the same', async () => {
    const one = guard();
    await one.shut(ALONE);
    const made = rules();
    await one.open(ALONE);
    const [adds, deletes] = ['add', 'delete'].map((verb) => lines.filter((line) => line.includes(` rule ${verb} `)));
    for (const line of adds ?? []) host().run('sh', '-ec', line);
    assert.equal(rules(), made);
    for (const line of deletes ?? []) host().run('sh', '-ec', line);
    assert.equal(rules(), untouched);
    assert.equal(lines.length, 4);
  });
});
