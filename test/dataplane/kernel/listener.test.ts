import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { FouListeners, Routes } from '../../../src/dataplane/common/announce.js';
import { PlaneError } from '../../../src/dataplane/common/errors.js';
import { planListener, refuseListener, removeListener } from '../../../src/dataplane/kernel/listener.js';
import { formatMark } from '../../../src/dataplane/common/mark.js';
import type { FouKey, FouListener, FouListenerSpec } from '../../../src/netlink/fou/listener.js';
import type { Link } from '../../../src/netlink/route/link.js';

const MARK = { number: 0, port: 10_000 };
const OUTER = '192.0.2.1';
const INTERNAL = '172.29.0.0';
const WANTED = { port: MARK.port, internal: INTERNAL, forIpv6: undefined };
const WANTED_IPV6 = { ...WANTED, forIpv6: OUTER };
const LIKE_OURS = { port: MARK.port, family: 'ipv4', type: 'fou', ipproto: 4 } as const;

/** A kernel with these listeners, which remembers what is done to them. */
function kernelWith(...listeners: FouListener[]): { fou: FouListeners; done: string[] } {
  const done: string[] = [];
  const note = (what: string) => (): Promise<void> => {
    done.push(what);
    return Promise.resolve();
  };
  const fou = {
    listeners: () => Promise.resolve(listeners),
    add: (spec: FouListenerSpec) => note(`add ${spec.type} ${spec.local ?? 'any'}`)(),
    delete: ({ local }: FouKey) => note(`delete ${local ?? 'any'}`)(),
  };
  return { fou: fou as unknown as FouListeners, done };
}

/** The moment in which the internal address is a local one. */
const at = <T>(work: () => Promise<T>): Promise<T> => work();

const linked = (...links: Partial<Link>[]): Routes => ({ links: () => Promise.resolve(links) }) as unknown as Routes;

describe('dataplane/kernel: a listener on our port that no mark of ours names', () => {
  const refusal = async (fou: FouListeners, route: Routes): Promise<string> => {
    try {
      await refuseListener(fou, route, MARK.number, WANTED);
      return '';
    } catch (error) {
      assert.ok(error instanceof PlaneError && error.part === 'listener', String(error));
      return error.message;
    }
  };

  it('is left alone, though no link shows whose it is: one with any source port might', async () => {
    const { fou, done } = kernelWith(LIKE_OURS);
    const auto = { name: 'mine', tunnel: { fou: { sourcePort: 0, destinationPort: 1 } } } as unknown as Link;
    assert.match(await refusal(fou, linked(auto)), /nothing marks it as ours; remove it .*ip fou del port 10000/);
    assert.deepEqual(done, []);
  });

  it('is named by the link that uses it, or the tunnel that it belongs to', async () => {
    const { fou } = kernelWith(LIKE_OURS);
    const mine = { name: 'mine', tunnel: { fou: { sourcePort: MARK.port } } } as unknown as Link;
    assert.match(await refusal(fou, linked({ name: 'lo' }, mine)), /belongs to the device mine;/);
    const other = { name: 'ipipou1in', alias: formatMark({ ...MARK, number: 1 }) };
    assert.match(await refusal(fou, linked(other)), /belongs to the device ipipou1in of tunnel 1;/);
  });

  it('is named where it is of another kind', async () => {
    const { fou } = kernelWith({ ...LIKE_OURS, ipproto: 47 });
    assert.match(await refusal(fou, linked()), /UDP port 10000 has a FOU listener that is not ours/);
    await assert.rejects(planListener(fou, WANTED, at), /is not ours/);
  });

  it('is nothing to mind on another port, or for IPv6', async () => {
    const { fou } = kernelWith({ ...LIKE_OURS, port: 10_001 }, { ...LIKE_OURS, family: 'ipv6' });
    assert.equal(await refusal(fou, linked()), '');
    const [step] = await planListener(fou, WANTED, at);
    assert.match(step?.lack ?? '', /port 10000 is gone/);
  });
});

describe('dataplane/kernel: the listeners of a tunnel with IPv6', () => {
  const BOUND = { port: MARK.port, family: 'ipv4', type: 'gue', local: INTERNAL } as const;
  const AT_OUTER = { ...LIKE_OURS, local: OUTER };

  it('are one for the internal address alone, made while that is a local one, and one for what ICMP says', async () => {
    const { fou, done } = kernelWith();
    const [step] = await planListener(fou, WANTED_IPV6, async (work) => {
      done.push('local');
      const value = await work();
      done.push('no longer local');
      return value;
    });
    assert.match(step?.lack ?? '', /is gone/);
    await step?.mend();
    assert.deepEqual(done, ['local', `add gue ${INTERNAL}`, 'no longer local', `add fou ${OUTER}`]);
  });

  it('are as they should be where both are there', async () => {
    assert.deepEqual(await planListener(kernelWith(AT_OUTER, BOUND).fou, WANTED_IPV6, at), []);
    for (const [left, added] of [
      [BOUND, `add fou ${OUTER}`],
      [AT_OUTER, `add gue ${INTERNAL}`],
    ] as const) {
      const { fou, done } = kernelWith(left);
      const [step] = await planListener(fou, WANTED_IPV6, at);
      await step?.mend();
      assert.deepEqual(done, [added]);
    }
  });

  it('are never shared, and never for any address', async () => {
    const open = { port: MARK.port, family: 'ipv4', type: 'gue' } as const;
    for (const other of [open, { ...BOUND, local: '172.29.0.1' }, { ...BOUND, peer: '192.0.2.9' }]) {
      await assert.rejects(planListener(kernelWith(other).fou, WANTED_IPV6, at), /is not ours/);
      await assert.rejects(planListener(kernelWith(other).fou, WANTED, at), /is not ours/);
    }
  });

  it('take the place of the one without IPv6, and the other way round, and follow the outer address', async () => {
    for (const [there, wanted, order] of [
      [[LIKE_OURS], WANTED_IPV6, ['delete any', `add gue ${INTERNAL}`, `add fou ${OUTER}`]],
      [[BOUND, AT_OUTER], WANTED, [`delete ${INTERNAL}`, `delete ${OUTER}`, 'add fou any']],
      [[BOUND, AT_OUTER], { ...WANTED_IPV6, forIpv6: '192.0.2.2' }, [`delete ${OUTER}`, 'add fou 192.0.2.2']],
    ] as const) {
      const { fou, done } = kernelWith(...there);
      const [step] = await planListener(fou, wanted, at);
      assert.match(step?.lack ?? '', /is another one/);
      await step?.mend();
      assert.deepEqual(done, order);
    }
  });

  it('go with the tunnel, of whichever form, and those of others stay', async () => {
    const { fou, done } = kernelWith({ ...BOUND, local: '172.29.0.1' }, BOUND, AT_OUTER, { ...LIKE_OURS, ipproto: 47 });
    await removeListener(fou, WANTED);
    assert.deepEqual(done, [`delete ${INTERNAL}`, `delete ${OUTER}`]);
  });
});
