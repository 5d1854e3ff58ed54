import assert from 'node:assert/strict';
import type { Finding } from '../../../src/doctor/finding.js';
import { judge } from '../../../src/doctor/judge.js';
import { renderJson } from '../../../src/doctor/report/json.js';
import { renderTable } from '../../../src/doctor/report/table.js';
import { healthy, REFUSED } from '../support/facts.js';

const row = (more: Partial<Finding>): Finding => ({
  id: 'x',
  section: 'Network',
  title: 'short',
  status: 'ok',
  found: 'there',
  ...more,
});
const table = (findings: readonly Finding[], colour = false): string =>
  renderTable({ chosen: 'kernel', fit: true, verdicts: [], findings }, { colour });

describe('the table', () => {
  it('has a heading for each section that has rows, and its rows aligned', () => {
    assert.equal(
      table([
        row({}),
        row({ section: 'Host', title: 'a longer one', status: 'lack', found: 'no', means: 'bad', remedy: 'mend' }),
        row({ status: 'skip' }),
      ]),
      [
        'Host',
        '  lack  a longer one  no',
        '        means: bad',
        '        do:    mend',
        '',
        'Network',
        '  ok    short         there',
        '  skip  short         there',
        '',
      ].join('\n'),
    );
  });

  it('colours the word alone, and only where it is asked to', () => {
    assert.equal(table([row({ status: 'warn' })], true), 'Network\n  \u001b[33mwarn\u001b[0m  short  there\n');
  });

  it('keeps names that others chose on their line, and out of the terminal', () => {
    const text = table([row({ found: 'rule "\u001b[2J\nok  all" of chain \u202ex', means: 'a\nb' })]);
    assert.equal(
      text,
      'Network\n  ok    short  rule "\\u{1b}[2J\\nok  all" of chain \\u{202e}x\n        means: a\\nb\n',
    );
  });
});

describe('the JSON', () => {
  it('holds the whole report, and its format', () => {
    const report = judge(healthy({ trials: { tunnelLink: REFUSED } }), 'kernel');
    assert.deepEqual(JSON.parse(renderJson(report)), { format: 1, ...JSON.parse(JSON.stringify(report)) });
    assert.match(renderJson(report), /\n$/);
  });
});
