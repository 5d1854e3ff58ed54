import assert from 'node:assert/strict';
import { describeExit, exitCodeOf } from '../../src/cli/exit-codes.js';
import { describeError } from '../../src/cli/describe-error.js';
import { ConfigError, EXIT_CODES } from '../../src/config/index.js';

describe('exit codes', () => {
  it('are those of ipipou, and 60 and 61', () => {
    assert.deepEqual(
      Object.values(EXIT_CODES).map(({ code }) => code),
      [0, 1, 2, 10, 20, 40, 51, 52, 53, 60, 61, 120, 200],
    );
  });

  it('are 2 for what the user wrote', () => {
    assert.equal(exitCodeOf(new ConfigError({ problem: 'x', allowed: 'y' })), 2);
  });

  it('are the one that an error brings, if the table has it', () => {
    assert.equal(exitCodeOf(Object.assign(new Error('x'), { exitCode: 52 })), 52);
    assert.equal(exitCodeOf(Object.assign(new Error('x'), { exitCode: 77 })), 1);
    assert.equal(exitCodeOf(new Error('x')), 1);
    assert.equal(exitCodeOf('x'), 1);
  });

  it('are explained', () => {
    assert.equal(describeExit(52), '(exit code 52: the tunnel device could not be set up)');
  });
});

describe('error in one line', () => {
  it('names the causes behind it', () => {
    const error = new Error('link ipipou0', { cause: new Error('EEXIST', { cause: 'File\nexists' }) });
    assert.equal(describeError(error), "link ipipou0: EEXIST: 'File\\nexists'");
    assert.equal(describeError(new Error('a\n  b')), 'a b');
    assert.equal(describeError(new TypeError('')), 'TypeError');
  });

  it('ends, also where a cause leads back', () => {
    const [error, cause] = [new Error('x'), new Error('y')];
    error.cause = cause;
    cause.cause = error;
    assert.equal(describeError(error), 'x: y: x: y: x');
  });

  it('says nothing twice that an error tells of its cause itself', () => {
    const cause = new Error('EEXIST');
    assert.equal(describeError(new Error('link: EEXIST', { cause })), 'link: EEXIST');
    assert.equal(describeError(new Error('EEXIST', { cause })), 'EEXIST');
  });
});
