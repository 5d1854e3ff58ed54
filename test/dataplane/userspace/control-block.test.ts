import assert from 'node:assert/strict';
import { ControlBlock, MAX_RANGES, type LoopState } from '../../../src/dataplane/userspace/control-block.js';

export const STATE: LoopState = {
  stop: false,
  udp: 5,
  tun: 6,
  tunHeader: true,
  segmentation: false,
  coalescing: true,
  batches: true,
  fragments: false,
  address: 0xfffefdfc,
  port: 65_535,
  letInUntilMs: 1.5,
  mtu: 1472,
  sources: [
    { first: 1, last: 2 },
    { first: 0xfffffff0, last: 0xffffffff },
  ],
};

describe('control block', () => {
  it('reads in another view what was written', () => {
    const block = new ControlBlock();
    const generation = block.write(STATE);
    assert.deepEqual(new ControlBlock(block.buffer).read(), { generation, state: STATE });
    const next = {
      ...STATE,
      stop: true,
      port: 0,
      letInUntilMs: Infinity,
      sources: [],
      tunHeader: false,
      fragments: true,
    };
    block.write(next);
    assert.deepEqual(new ControlBlock(block.buffer).read()?.state, next);
  });

  it('lets nothing in before anything was written', () => {
    const { state } = new ControlBlock().read() ?? assert.fail();
    assert.equal(state.port, 0);
    assert.deepEqual(state.sources, []);
  });

  it('is not read while it is written', () => {
    const block = new ControlBlock();
    const other = new ControlBlock(block.buffer);
    let seen: unknown = 'nothing';
    block.write({
      ...STATE,
      get sources() {
        seen = other.read();
        return [];
      },
    });
    assert.equal(seen, undefined);
  });

  it('keeps what there is room for of the ranges', () => {
    const block = new ControlBlock();
    const sources = Array.from({ length: MAX_RANGES + 1 }, (_, index) => ({ first: 2 * index, last: 2 * index }));
    block.write({ ...STATE, sources });
    assert.equal(block.read()?.state.sources.length, MAX_RANGES);
  });

  it('bounds what waits for the main thread', () => {
    const block = new ControlBlock();
    assert.deepEqual(
      [1, 2, 3].map(() => block.reserve(2)),
      [true, true, false],
    );
    block.release();
    assert.equal(block.reserve(2), true);
    block.releaseAll();
    assert.equal(block.reserve(1), true);
  });
});
