import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { UnsupportedError } from '../../../src/dataplane/common/errors.js';
import { namingModules } from '../../../src/dataplane/kernel/missing-expressions.js';
import { RulesetChange } from '../../../src/dataplane/kernel/ruleset/change.js';
import { addRuleset } from '../../../src/dataplane/kernel/ruleset/ruleset.js';
import { KernelError } from '../../../src/netlink/errors.js';

const ENOENT = 2;
const EINVAL = 22;

const change = new RulesetChange();
addRuleset(change, {
  table: 't',
  comment: 'a mark',
  outer: { address: '192.0.2.1', port: 10_000 },
  tunnel: { device: 'ipipou0', internal: '172.29.0.0', peerAddress: '172.28.0.1' },
  schemes: [{ kind: 'ed25519' }],
  queueNumber: 0,
});
const { batch } = change;
const { messages } = batch.encode();

/** The kernel's refusal of all messages that have these bytes in them, pointing at the last attribute that begins so. */
function refusalOf(name: string, { errno = ENOENT, points = true, within = name } = {}): KernelError {
  const all = messages.flatMap(({ body }, index) => {
    if (!body.includes(`${name}\0`)) return [];
    // nlmsghdr (16), then the body; in front of the name stand its own attribute's header and the list entry's.
    const attributeOffset = 16 + body.indexOf(`${within}\0`) - 8;
    return [{ index, attributeOffset }];
  });
  assert.notEqual(all.length, 0);
  const [first, ...others] = all.map(({ index, attributeOffset }) => {
    const acknowledgement = { errno, ...(points && { attributeOffset }) };
    return { index, acknowledgement };
  });
  assert.ok(first !== undefined);
  const nameless = { op: '', object: '' };
  return new KernelError(
    nameless,
    first.acknowledgement,
    first.index,
    others.map((other) => new KernelError(nameless, other.acknowledgement, other.index)),
  );
}

const told = (error: unknown): string => {
  assert.ok(error instanceof UnsupportedError, String(error));
  assert.equal(error.part, 'module');
  return error.message;
};

describe('dataplane/kernel: a ruleset that takes a module which the kernel lacks', () => {
  for (const [expression, within, module] of [
    ['fib', 'fib', 'nft_fib_ipv4'],
    ['queue', 'queue', 'nft_queue'],
    // In one of them it is a part of `dynset`, which is what the kernel points at.
    ['limit', 'dynset', 'nft_limit'],
    ['limit', 'limit', 'nft_limit'],
  ] as const) {
    it(`names it where the kernel points at ${within}: ${module}`, () => {
      const message = told(namingModules(refusalOf(expression, { within }), batch));
      assert.equal(message, `this kernel has no ${module} (modprobe ${module}, or another kernel)`);
    });

    it(`names it where the kernel does not point at ${within}: ${module}`, () => {
      const message = told(namingModules(refusalOf(expression, { points: false }), batch));
      assert.match(message, new RegExp(`^this kernel has no ${module} `));
    });
  }

  it('is left as it is where something else is wrong', () => {
    for (const error of [
      refusalOf('fib', { errno: EINVAL }),
      new KernelError({ op: 'add', object: 'table' }, { errno: ENOENT }, 1),
      new Error('no'),
    ]) {
      assert.equal(namingModules(error, batch), error);
    }
    assert.deepEqual(batch.expressionsMeantBy(new KernelError({ op: '', object: '' }, { errno: 2 }, 9999)), []);
  });

  it('knows the expression that the kernel points at from all others of the rule', () => {
    const index = messages.findIndex(({ body }) => body.includes('fib\0'));
    const body = messages[index]?.body ?? Buffer.alloc(0);
    const seen = ['meta', 'payload', 'fib', 'cmp', 'counter', 'immediate'].map((name) => {
      const error = new KernelError(
        { op: '', object: '' },
        { errno: ENOENT, attributeOffset: 16 + body.indexOf(`${name}\0`) - 8 },
        index,
      );
      return batch.expressionsMeantBy(error).map((one) => one.name);
    });
    assert.deepEqual(seen, [['meta'], ['payload'], ['fib'], ['cmp'], ['counter'], ['immediate']]);
  });
});
