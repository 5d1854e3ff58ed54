import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { FouListeners, Routes } from '../../../src/dataplane/common/announce.js';
import { PlaneError } from '../../../src/dataplane/common/errors.js';
import { planListener, refuseListener } from '../../../src/dataplane/kernel/listener.js';
import { formatMark } from '../../../src/dataplane/common/mark.js';
import type { FouListener } from '../../../src/netlink/fou/listener.js';
import type { Link } from '../../../src/netlink/route/link.js';

const MARK = { number: 0, port: 10_000 };
const LIKE_OURS = { port: MARK.port, family: 'ipv4', type: 'fou', ipproto: 4 } as const;

/** A kernel with these listeners, which remembers what is done to them. */
function kernelWith(...listeners: FouListener[]): { fou: FouListeners; done: string[] } {
  const done: string[] = [];
  const note = (what: string) => (): Promise<void> => {
    done.push(what);
    return Promise.resolve();
  };
  const fou = { listeners: () => Promise.resolve(listeners), add: note('add'), delete: note('delete') };
  return { fou: fou as unknown as FouListeners, done };
}

const linked = (...links: Partial<Link>[]): Routes => ({ links: () => Promise.resolve(links) }) as unknown as Routes;

describe('dataplane/kernel: a listener on our port that no mark of ours names', () => {
  const refusal = async (fou: FouListeners, route: Routes): Promise<string> => {
    try {
      await refuseListener(fou, route, MARK);
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
    await assert.rejects(planListener(fou, MARK.port), /is not ours/);
  });

  it('is nothing to mind on another port, or for IPv6', async () => {
    const { fou } = kernelWith({ ...LIKE_OURS, port: 10_001 }, { ...LIKE_OURS, family: 'ipv6' });
    assert.equal(await refusal(fou, linked()), '');
    const [step] = await planListener(fou, MARK.port);
    assert.match(step?.lack ?? '', /port 10000 is gone/);
  });
});
