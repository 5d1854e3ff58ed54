import assert from 'node:assert/strict';
import { createLogger, LEVELS, type Logger, type LoggerOptions } from '../../src/log/index.js';

/** A log into an array, under a clock that the test moves. */
function record(options: Partial<LoggerOptions> = {}): { log: Logger; lines: string[]; advance: (ms: number) => void } {
  const lines: string[] = [];
  let monotonicMs = 5_000;
  const log = createLogger(
    { verbosity: 3, showTime: false, showPid: false, ...options },
    {
      write: (line) => lines.push(line),
      now: () => new Date(2024, 4, 6, 7, 8, 9, 10),
      monotonicMs: () => monotonicMs,
      pid: 1234,
    },
  );
  return { log, lines, advance: (ms) => (monotonicMs += ms) };
}

function writeAll(log: Logger): void {
  for (const level of LEVELS) log[level.toLowerCase() as Lowercase<typeof level>]('x');
}

describe('log line', () => {
  it('has time, process, level and message', () => {
    const { log, lines } = record({ showTime: true, showPid: true });
    log.info('up');
    log.error('down');
    assert.deepEqual(lines, ['2024-05-06T07:08:09.010 1234  INFO up\n', '2024-05-06T07:08:09.010 1234 ERROR down\n']);
  });

  it('has neither time nor process where they are not wanted', () => {
    const { log, lines } = record();
    log.warn('x');
    assert.deepEqual(lines, [' WARN x\n']);
  });

  it('can lose one of the two', () => {
    const withPid = record({ showPid: true });
    withPid.log.debug('x');
    assert.deepEqual(withPid.lines, ['1234 DEBUG x\n']);
    const withTime = record({ showTime: true });
    withTime.log.fatal('x');
    assert.deepEqual(withTime.lines, ['2024-05-06T07:08:09.010 FATAL x\n']);
  });

  it('is one of its own for each line of a message', () => {
    const { log, lines } = record();
    log.info('a\nb');
    assert.deepEqual(lines, [' INFO a\n', ' INFO b\n']);
  });

  it('carries no control characters from outside', () => {
    const { log, lines } = record();
    log.info('a\u001b[2J\r\u0000\u0085b');
    assert.deepEqual(lines, [' INFO a\\x1b[2J\\x0d\\x00\\x85b\n']);
  });
});

describe('verbosity', () => {
  for (const [verbosity, shown] of [
    [-1, 1],
    [-9, 1],
    [0, 2],
    [1, 3],
    [2, 4],
    [3, 5],
    [9, 5],
  ] as const) {
    it(`${verbosity} shows ${LEVELS.slice(0, shown).join(', ')}`, () => {
      const { log, lines } = record({ verbosity });
      writeAll(log);
      assert.deepEqual(
        lines.map((line) => line.trim().split(' ')[0]),
        LEVELS.slice(0, shown),
      );
      assert.deepEqual(
        LEVELS.filter((level) => log.shows(level)),
        LEVELS.slice(0, shown),
      );
      assert.equal(log.verbosity, verbosity);
    });
  }
});

describe('lines that traffic triggers', () => {
  it('are written once a second for each reason, with the number held back', () => {
    const { log, lines, advance } = record();
    for (let i = 0; i < 10; i += 1) log.limited('token', 'DEBUG', () => `wrong token ${i}`);
    log.limited('clock', 'WARN', () => 'wrong clock');
    advance(999);
    log.limited('token', 'DEBUG', () => 'still too early');
    advance(1);
    log.limited('token', 'DEBUG', () => 'again');
    assert.deepEqual(lines, [
      'DEBUG wrong token 0\n',
      ' WARN wrong clock\n',
      'DEBUG again (and 10 more like it, held back)\n',
    ]);
  });

  it('are not made up where nobody sees them, and spend nothing', () => {
    const { log, lines } = record({ verbosity: 1 });
    log.limited('token', 'DEBUG', () => assert.fail('built in vain'));
    log.limited('token', 'WARN', () => 'seen');
    assert.deepEqual(lines, [' WARN seen\n']);
  });

  it('end with the last one when the second is over, at its own level, and only once', () => {
    const { log, lines, advance } = record();
    for (let i = 0; i < 3; i += 1) log.limited('token', 'DEBUG', () => `wrong token ${i}`);
    log.flushLimited('ended');
    assert.equal(lines.length, 1);
    advance(1000);
    log.flushLimited('ended');
    log.flushLimited('ended');
    assert.deepEqual(lines.slice(1), ['DEBUG wrong token 2 (and 1 more like it, held back)\n']);
    log.limited('token', 'DEBUG', () => 'within the second of that line');
    assert.equal(lines.length, 2);
  });

  it('are all accounted for on the way out', () => {
    const { log, lines } = record();
    for (let i = 0; i < 3; i += 1) log.limited('token', 'WARN', () => 'x');
    log.flushLimited('all');
    log.flushLimited('all');
    assert.deepEqual(lines, [' WARN x\n', ' WARN x (and 1 more like it, held back)\n']);
  });
});
