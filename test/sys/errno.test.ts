import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { errnoName, errnoWords } from '../../src/sys/errno.js';
import { SystemError } from '../../src/sys/errors.js';

describe('errno', () => {
  it('agrees with every number that Node knows', () => {
    const aliases = new Map([
      ['EWOULDBLOCK', 'EAGAIN'],
      ['EDEADLOCK', 'EDEADLK'],
      ['ENOTSUP', 'EOPNOTSUPP'],
    ]);
    const known = Object.entries(constants.errno);
    assert.ok(known.length > 70);
    for (const [name, errno] of known) assert.equal(errnoName(errno), aliases.get(name) ?? name);
  });

  it('says what a number means, and shows one that it does not know', () => {
    assert.equal(errnoWords(17), 'File exists');
    assert.equal(errnoName(4000), 'E4000');
    assert.equal(errnoWords(4000), 'Unknown error 4000');
  });

  it('makes an error that a user can read', () => {
    const error = new SystemError('setsockopt', 1);
    assert.equal(error.message, 'setsockopt: Operation not permitted (EPERM)');
    assert.equal(error.code, 'EPERM');
    assert.equal(error.errno, 1);
  });
});
