/** What shuts a tunnel where its egress table is missing, on a kernel whose devices take filters. */
import assert from 'node:assert/strict';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { Guard } from '../../src/egress/guard/guard.js';
import { TypeFilterClient } from '../../src/netlink/route/type-filter-client.js';
import { answersPing, inside, namespace, suiteScope, veth, waitUntil, type Namespace } from './support/index.js';

const DEVICE = 'tun0';
const OPENS = `
  table inet opens {
    chain tunnel { type filter hook prerouting priority 310; iifname "${DEVICE}" meta pkttype set host; }
  }`;

/** inner ── tun0 host out ── world; the cable to `inner` stands for a tunnel. */
describe('the guard of the egress', () => {
  const scope = suiteScope();
  let [inner, host, world]: Namespace[] = [];
  let guard: Guard;
  let lines: string[];

  const ns = (one: Namespace | undefined): Namespace => one ?? assert.fail('used outside a test');
  const tc = async (...words: string[]): Promise<string> => (await ns(host).exec(['tc', ...words])).stdout;
  const filters = (): Promise<string> => tc('filter', 'show', 'dev', DEVICE, 'ingress');
  const hooks = (): Promise<string> => tc('qdisc', 'show', 'dev', DEVICE, 'ingress');
  const prohibits = async (): Promise<number> =>
    (await ns(host).exec(['ip', 'rule'])).stdout.match(/prohibit/g)?.length ?? 0;
  /** Whether both IP versions are led on, which are treated alike. */
  const leadsOn = async (): Promise<boolean> => {
    const answers = [await answersPing(ns(inner), '10.9.8.2', 1), await answersPing(ns(inner), 'fd98::2', 1)];
    assert.equal(answers[0], answers[1]);
    return answers[0] === true;
  };
  const NOTHING = { gone: 0, moved: 0, ahead: undefined, noFilter: undefined };

  before(async () => {
    [inner, host, world] = await Promise.all(['inner', 'host', 'world'].map((name) => namespace(scope, name)));
    await veth(
      { ns: ns(inner), device: 'eth', address: '172.28.0.1/31' },
      { ns: ns(host), device: DEVICE, address: '172.28.0.0/31' },
    );
    await veth(
      { ns: ns(host), device: 'out', address: '10.9.8.1/24' },
      { ns: ns(world), device: 'eth', address: '10.9.8.2/24' },
    );
    await ns(inner).ip('address add fd28::1/64 dev eth nodad', 'route add default via 172.28.0.0');
    await ns(host).ip(`address add fd28::2/64 dev ${DEVICE} nodad`, 'address add fd98::1/64 dev out nodad');
    await ns(world).ip('address add fd98::2/64 dev eth nodad', 'route add default via 10.9.8.1');
    await ns(inner).ip('route add ::/0 via fd28::2');
    await ns(world).ip('route add ::/0 via fd98::1');
    await ns(host).sysctl({ 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1 });
    // IPv6 looks for duplicates of its link-local addresses first.
    await waitUntil(() => answersPing(ns(inner), 'fd98::2', 1), { what: 'the way by IPv6' });
  });
  beforeEach(async () => {
    lines = [];
    guard = inside(ns(host), () => new Guard((line) => lines.push(line())));
    assert.ok(await leadsOn());
  });
  afterEach(async () => {
    guard.close();
    for (const kind of ['clsact', 'ingress']) {
      await ns(host).exec(['tc', 'qdisc', 'del', 'dev', DEVICE, kind], { mayFail: true });
    }
    await ns(host).nft('flush ruleset');
  });

  it('leads nothing on but what a rule has turned back, answers for the host itself, and goes without a trace', async () => {
    assert.deepEqual(await guard.shut([DEVICE]), NOTHING);
    assert.ok(!(await leadsOn()));
    assert.ok(await answersPing(ns(inner), '172.28.0.0', 1));
    assert.ok(await answersPing(ns(inner), 'fd28::2', 1));
    await ns(host).nft(OPENS);
    assert.ok(await leadsOn());
    await ns(host).nft('flush ruleset');
    assert.ok(!(await leadsOn()));
    assert.equal(await prohibits(), 0);
    await guard.open([DEVICE]);
    assert.ok(await leadsOn());
    assert.equal(await hooks(), '');
  });

  it('is said as commands that make and remove the same', async () => {
    await guard.shut([DEVICE]);
    const made = await filters();
    await guard.open([DEVICE]);
    const [adds, deletes] = ['add', 'delete'].map((verb) => lines.filter((line) => line.includes(` ${verb} `)));
    for (const line of adds ?? []) await ns(host).exec(['sh', '-ec', line]);
    const unnumbered = (text: string): string => text.replace(/index \d+/, '');
    assert.equal(unnumbered(await filters()), unnumbered(made));
    for (const line of deletes ?? []) await ns(host).exec(['sh', '-ec', line]);
    assert.equal(await hooks(), '');
    assert.equal(lines.length, 4);
  });

  for (const [title, take] of [
    ['filter', ['filter', 'del', 'dev', DEVICE, 'ingress']],
    ['hook', ['qdisc', 'del', 'dev', DEVICE, 'clsact']],
  ] as const) {
    it(`knows that its ${title} was gone`, async () => {
      await guard.shut([DEVICE]);
      assert.deepEqual(await guard.shut([DEVICE]), NOTHING);
      await tc(...take);
      assert.ok(await leadsOn());
      assert.deepEqual(await guard.shut([DEVICE]), { ...NOTHING, gone: 1 });
      assert.ok(!(await leadsOn()));
    });
  }

  it('takes no device that is made anew for one that has lost its filter', async () => {
    for (let round = 0; round < 2; round += 1) {
      await ns(host).ip('link add tun9 type dummy');
      assert.deepEqual(await guard.shut(['tun9']), NOTHING);
      assert.match(await tc('filter', 'show', 'dev', 'tun9', 'ingress'), /skbedit/);
      await ns(host).ip('link delete tun9');
      assert.deepEqual(await guard.shut(['tun9']), NOTHING);
    }
  });

  it("leaves others' filters on the device alone, and asks them too", async () => {
    await tc('qdisc', 'add', 'dev', DEVICE, 'clsact');
    await tc(
      ...`filter add dev ${DEVICE} ingress prio 5 protocol ip u32 match ip dst 172.28.0.0 action drop`.split(' '),
    );
    await tc(...`filter add dev ${DEVICE} egress prio 5 matchall action ok`.split(' '));
    await guard.shut([DEVICE]);
    assert.ok(!(await answersPing(ns(inner), '172.28.0.0', 1)), 'theirs is asked behind ours');
    assert.ok(await answersPing(ns(inner), 'fd28::2', 1));
    await guard.open([DEVICE]);
    const left = (await filters()) + (await tc('filter', 'show', 'dev', DEVICE, 'egress'));
    assert.match(left, /u32[^]*matchall/);
    assert.doesNotMatch(left, /skbedit/);
  });

  it('hangs its filter on an ingress qdisc where somebody has made that', async () => {
    await tc('qdisc', 'add', 'dev', DEVICE, 'ingress');
    assert.deepEqual(await guard.shut([DEVICE]), NOTHING);
    assert.ok(!(await leadsOn()));
  });

  it('is a routing rule where its place among the filters is taken, and a filter again once it is free', async () => {
    await tc('qdisc', 'add', 'dev', DEVICE, 'clsact');
    await tc(...`filter add dev ${DEVICE} ingress prio 1 matchall action ok`.split(' '));
    const { noFilter, ...rest } = await guard.shut([DEVICE]);
    assert.match(noFilter ?? '', /tun0 has its place/);
    assert.deepEqual(rest, { gone: 0, moved: 0, ahead: undefined });
    assert.equal(await prohibits(), 1);
    assert.ok(!(await leadsOn()));
    await tc('qdisc', 'del', 'dev', DEVICE, 'clsact');
    assert.deepEqual(await guard.shut([DEVICE]), NOTHING);
    assert.equal(await prohibits(), 0);
    assert.ok(!(await leadsOn()));
  });

  it('shuts all of several devices', async () => {
    await ns(host).ip('link add tun1 type dummy', 'link add tun2 type dummy');
    const client = inside(ns(host), () => TypeFilterClient.open());
    try {
      await guard.shut([DEVICE, 'tun1', 'nosuch']);
      const links = (await ns(host).ipJson('link show')) as { readonly ifname: string; readonly ifindex: number }[];
      const shut: string[] = [];
      for (const { ifname, ifindex } of links) if (await client.has(ifindex)) shut.push(ifname);
      assert.deepEqual(shut.sort(), [DEVICE, 'tun1']);
      assert.ok(links.every(({ ifname, ifindex }) => guard.hasFilter(ifindex) === shut.includes(ifname)));
    } finally {
      client.close();
    }
  });
});
