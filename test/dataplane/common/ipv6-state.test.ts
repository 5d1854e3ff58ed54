import assert from 'node:assert/strict';
import { it } from 'mocha';
import { PlaneError } from '../../../src/dataplane/common/errors.js';
import { ensureIpv6, ipv6State } from '../../../src/dataplane/common/ipv6-state.js';
import { skipBecause } from '../../support/skip.js';
import { describeInNamespace } from '../../support/namespace.js';

const INNER6 = { address: 'fd00:5::1' };

describeInNamespace('a tunnel with IPv6', (namespace) => {
  it('is refused at the start where the host has it switched off, in words that help', function () {
    const state = (): string => namespace().inside(() => ipv6State());
    if (state() === 'absent') skipBecause(this, 'this kernel has no IPv6');
    assert.equal(state(), 'on');
    for (const name of ['all', 'default']) {
      namespace().run('sysctl', '-qw', `net.ipv6.conf.${name}.disable_ipv6=1`);
      assert.equal(state(), 'off');
      assert.throws(
        () => {
          namespace().inside(() => {
            ensureIpv6(INNER6);
          });
        },
        (error) => error instanceof PlaneError && /IPv6 switched off, .* fd00:5::1: sysctl -w/.test(error.message),
      );
      namespace().inside(() => {
        ensureIpv6(undefined);
      });
      // `all` is written through to `default`.
      for (const one of ['all', 'default']) namespace().run('sysctl', '-qw', `net.ipv6.conf.${one}.disable_ipv6=0`);
      assert.equal(state(), 'on');
    }
  });

  it('is refused on a kernel that has none', () => {
    assert.throws(() => {
      ensureIpv6(INNER6, 'absent');
    }, /this kernel has no IPv6/);
  });
});
