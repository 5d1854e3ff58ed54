import assert from 'node:assert/strict';
import { NLM_F_CAPPED, NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP } from '../../src/netlink/constants.js';
import { KernelError, NetlinkError } from '../../src/netlink/errors.js';
import type { NetlinkMessage } from '../../src/netlink/message.js';
import { ReplyCollector } from '../../src/netlink/reply-collector.js';

function message(type: number, sequence: number, body = Buffer.alloc(0), flags = 0): NetlinkMessage {
  return { type, flags, sequence, portId: 1, body };
}

function errorMessage(sequence: number, errno: number): NetlinkMessage {
  const body = Buffer.alloc(20);
  body.writeInt32LE(-errno, 0);
  return message(NLMSG_ERROR, sequence, body, NLM_F_CAPPED);
}

const done = (sequence: number, errno = 0, flags = 2): NetlinkMessage => {
  const body = Buffer.alloc(4);
  body.writeInt32LE(-errno, 0);
  return message(NLMSG_DONE, sequence, body, flags);
};

const subjects = ['begin', 'rule a', 'rule b', 'rule c', 'end'].map((object) => ({ op: 'add', object }));
const single = (): ReplyCollector =>
  new ReplyCollector({ firstSequence: 10, subjects: subjects.slice(1, 2), lastIndex: 0, beginsBatch: false });
const batch = (): ReplyCollector =>
  new ReplyCollector({ firstSequence: 10, subjects, lastIndex: 3, beginsBatch: true });

describe('ReplyCollector', () => {
  it('ends a request at its acknowledgement, with the replies before it', () => {
    const collector = single();
    const reply = message(16, 10);
    assert.equal(collector.take(reply), undefined);
    assert.equal(collector.take(message(NLMSG_NOOP, 10)), undefined);
    assert.deepEqual(collector.take(errorMessage(10, 0)), { kind: 'done', messages: [reply] });
  });

  it('ends a request at the kernel’s refusal, which names what was asked', () => {
    const outcome = single().take(errorMessage(10, 17));
    assert.ok(outcome?.kind === 'failed' && outcome.error instanceof KernelError);
    assert.equal(outcome.error.message, 'cannot add rule a: File exists (EEXIST)');
    assert.equal(outcome.error.messageIndex, 0);
  });

  it('looks at the error in the end of a dump', () => {
    const collector = single();
    collector.take(message(16, 10));
    const outcome = collector.take(done(10, 22));
    assert.ok(outcome?.kind === 'failed' && outcome.error instanceof KernelError);
    assert.equal(outcome.error.code, 'EINVAL');
  });

  it('tells a dump that changed while it was made, wherever it says so', () => {
    const early = single();
    early.take(message(16, 10, Buffer.alloc(0), NLM_F_DUMP_INTR));
    assert.deepEqual(early.take(done(10)), { kind: 'interrupted' });
    assert.deepEqual(single().take(done(10, 0, NLM_F_DUMP_INTR)), { kind: 'interrupted' });
  });

  it('fails on an acknowledgement that is cut off', () => {
    const outcome = single().take(message(NLMSG_ERROR, 10, Buffer.alloc(6)));
    assert.ok(outcome?.kind === 'failed' && outcome.error instanceof NetlinkError);
    assert.equal(outcome.error.code, 'NETLINK_MALFORMED');
  });

  it('collects every refusal of a batch until its last message is answered', () => {
    const collector = batch();
    assert.equal(collector.take(errorMessage(11, 2)), undefined);
    assert.equal(collector.take(errorMessage(12, 17)), undefined);
    const outcome = collector.take(errorMessage(13, 0));
    assert.ok(outcome?.kind === 'failed' && outcome.error instanceof KernelError);
    const { error } = outcome;
    assert.equal(error.message, 'cannot add rule a: No such file or directory (ENOENT)');
    assert.equal(error.messageIndex, 1);
    assert.deepEqual(
      error.others.map((other) => [other.message, other.messageIndex]),
      [['cannot add rule b: File exists (EEXIST)', 2]],
    );
  });

  it('ends a batch that fails as a whole at the answer to its begin', () => {
    const outcome = batch().take(errorMessage(10, 85));
    assert.ok(outcome?.kind === 'failed' && outcome.error instanceof KernelError);
    assert.equal(outcome.error.code, 'ERESTART');
    assert.equal(outcome.error.messageIndex, 0);
  });

  it('does not end a batch without markers at its first message’s refusal', () => {
    const collector = new ReplyCollector({ firstSequence: 10, subjects, lastIndex: 4, beginsBatch: false });
    assert.equal(collector.take(errorMessage(10, 17)), undefined);
    assert.equal(collector.take(errorMessage(14, 0))?.kind, 'failed');
  });
});
