import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { OneByOne } from '../../scripts/lib/one-by-one.mjs';

describe('output of several at once', () => {
  it('is shown of the first as it comes, of the others when their turn is', () => {
    let shown = '';
    const all = new OneByOne((chunk) => (shown += String(chunk)));
    const [first, second, third] = [all.begin(), all.begin(), all.begin()];
    third.write('c1 ');
    second.write('b1 ');
    first.write('a1 ');
    assert.equal(shown, 'a1 ');
    third.write('c2 ');
    third.close();
    first.close();
    assert.equal(shown, 'a1 b1 ');
    second.write('b2 ');
    assert.equal(shown, 'a1 b1 b2 ');
    second.close();
    assert.equal(shown, 'a1 b1 b2 c1 c2 ');
  });

  it('goes on with who begins when all others have ended', () => {
    let shown = '';
    const all = new OneByOne((chunk) => (shown += String(chunk)));
    all.begin().close();
    all.begin().write(Buffer.from('later'));
    assert.equal(shown, 'later');
  });
});
