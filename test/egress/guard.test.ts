/** The routing rules of the guard, judged by what `ip route get` says of a packet. */
import assert from 'node:assert/strict';
import { ADMITTED_MARK, EGRESS_MARK, Guard } from '../../src/egress/guard.js';
import { describeInNamespace } from '../support/namespace.js';

const FOREIGN_BIT = 1;
const ROUTES = { '-4': ['10.9.0.9', '172.28.0.1'], '-6': ['fd09::9', 'fd28::2'] } as const;
const FAMILIES = ['-4', '-6'] as const;

describeInNamespace('egress/guard', (host) => {
  const lines: string[] = [];
  const opened: Guard[] = [];
  const guard = (isAdmittedMarked: boolean, number = 0): Guard => {
    const one = host().inside(() => new Guard({ number, isAdmittedMarked }, (line) => lines.push(line())));
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
  });

  it('lets on what was let into a tunnel only with the mark of the egress table', async () => {
    await guard(true).shut(['tun0']);
    assert.ok(!passes(ADMITTED_MARK));
    assert.ok(!passes(ADMITTED_MARK | FOREIGN_BIT));
    assert.ok(passes(ADMITTED_MARK | EGRESS_MARK));
    for (const mark of [0, FOREIGN_BIT, EGRESS_MARK]) assert.ok(passes(mark), `mark ${mark}`);
  });

  it('has one rule a family for a thousand tunnels whose packets are marked', async () => {
    const devices = Array.from({ length: 1000 }, (_, index) => `t${index}`);
    assert.equal(await guard(true).shut(devices), 2);
    assert.equal(rules().match(/prohibit/g)?.length, 2);
  });

  it('goes by the device where packets of a tunnel are not marked', async () => {
    await guard(false).shut(['tun0']);
    assert.ok(!passes(0));
    assert.ok(!passes(FOREIGN_BIT));
    assert.ok(passes(EGRESS_MARK));
    assert.ok(passes(0, 'tun1'));
  });

  it('opens nothing for another tunnel', async () => {
    const [one, other] = [guard(true, 1), guard(true, 2)];
    await one.shut(['tun0']);
    await other.shut(['tun1']);
    await one.open(['tun0']);
    assert.ok(!passes(ADMITTED_MARK));
    await other.open(['tun1']);
    assert.equal(rules(), untouched);
  });

  for (const isMarked of [true, false]) {
    it(`takes over from an earlier run that went by ${isMarked ? 'devices' : 'marks'}`, async () => {
      await guard(!isMarked).shut(['tun0']);
      const earlier = rules();
      const now = guard(isMarked);
      assert.equal(await now.shut(['tun0']), 2);
      assert.notEqual(rules(), earlier);
      assert.equal(rules().match(/prohibit/g)?.length, 2, rules());
      await now.open(['tun0']);
      assert.equal(rules(), untouched);
    });

    it(`knows which rules were missing, going by ${isMarked ? 'marks' : 'devices'}`, async () => {
      const one = guard(isMarked);
      assert.equal(await one.shut(['tun0']), 2);
      assert.equal(await one.shut(['tun0']), 0);
      host().ip('-6', 'rule', 'flush', 'priority', '1');
      assert.equal(await one.shut(['tun0']), 1);
    });

    it(`says its rules as commands that make and remove the same, going by ${isMarked ? 'marks' : 'devices'}`, async () => {
      const one = guard(isMarked);
      await one.shut(['tun0']);
      const made = rules();
      await one.open(['tun0']);
      const [adds, deletes] = ['add', 'delete'].map((verb) => lines.filter((line) => line.includes(` rule ${verb} `)));
      for (const line of adds ?? []) host().run('sh', '-ec', line);
      assert.equal(rules(), made);
      for (const line of deletes ?? []) host().run('sh', '-ec', line);
      assert.equal(rules(), untouched);
      assert.equal(lines.length, 4);
    });
  }
});
