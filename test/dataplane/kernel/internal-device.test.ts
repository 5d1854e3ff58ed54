import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Routes } from '../../../src/dataplane/common/announce.js';
import { PlaneError } from '../../../src/dataplane/common/errors.js';
import { InternalDevice } from '../../../src/dataplane/kernel/internal-device.js';
import { formatMark } from '../../../src/dataplane/common/mark.js';
import type { AssignedAddress } from '../../../src/netlink/route/address.js';
import type { Link } from '../../../src/netlink/route/link.js';

const MARK = { number: 0, port: 10_000 };
const DUMMY = { index: 7, name: 'ipipou0in', kind: 'dummy', up: false };

/** A kernel that has this device, and remembers what is asked of it besides looking. */
function kernelWith(link: Partial<Link>, ...addresses: string[]): { device: InternalDevice; done: string[] } {
  const done: string[] = [];
  const looks = {
    linkByName: () => Promise.resolve(link),
    addresses: () => Promise.resolve(addresses.map((address) => ({ index: 7, address }) as AssignedAddress)),
    routes: () => Promise.resolve([]),
  };
  const route = new Proxy(looks, {
    get: (target, name): unknown =>
      Reflect.get(target, name) ??
      (() => {
        done.push(String(name));
        return Promise.resolve();
      }),
  });
  return { device: new InternalDevice(route as unknown as Routes, MARK, '172.29.0.0'), done };
}

describe('dataplane/kernel: a device with the name of the internal one', () => {
  for (const [what, link, ...addresses] of [
    ['of another kind', { ...DUMMY, kind: 'bridge' }],
    ['of another kind, with our mark', { ...DUMMY, kind: 'bridge', alias: formatMark(MARK) }],
    ["with somebody's mark", { ...DUMMY, alias: 'mine' }],
    ['of another tunnel', { ...DUMMY, alias: formatMark({ ...MARK, number: 1 }) }],
    ['without a mark, but in use', DUMMY, '192.0.2.1'],
  ] as const) {
    it(`that is ${what} is named, and left alone`, async () => {
      const { device, done } = kernelWith(link, ...addresses);
      for (const act of [() => device.leftMark(), () => device.plan(), () => device.remove()]) {
        await assert.rejects(act, (error: unknown) => {
          assert.ok(error instanceof PlaneError && error.part === 'link', String(error));
          assert.match(error.message, /device ipipou0in, .* is there already and not ours: remove it .* --number/);
          return true;
        });
      }
      assert.deepEqual(done, []);
    });
  }

  it('that has our mark, or neither mark nor address, is ours and removed with us', async () => {
    for (const link of [{ ...DUMMY, alias: formatMark(MARK) }, DUMMY]) {
      const { device, done } = kernelWith(link);
      assert.notEqual((await device.plan()).length, 0);
      await device.remove();
      assert.deepEqual(done, ['deleteLink']);
    }
  });
});
