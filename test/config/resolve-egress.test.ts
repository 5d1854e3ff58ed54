import assert from 'node:assert/strict';
import { ConfigError, gatherOptions, resolve, type EgressConfig } from '../../src/config/index.js';

const AS_SERVER = ['-s', '--auth-none', '-b', '192.0.2.1'];
const egress = (...argv: string[]): EgressConfig | undefined => {
  const resolution = resolve(
    gatherOptions([...AS_SERVER, ...argv], () => assert.fail('no file is named')),
    {},
  );
  return resolution.kind === 'server' ? resolution.config.egress : assert.fail(resolution.kind);
};
const refused = (message: RegExp, ...argv: string[]): void => {
  assert.throws(
    () => egress(...argv),
    (error) => error instanceof ConfigError && message.test(error.message),
  );
};

describe('what is asked of egress', () => {
  it('is nothing unless there is a policy', () => {
    assert.equal(egress(), undefined);
    assert.equal(egress('--egress-announce', 'eth0', '--ip-forward'), undefined);
    const { policies, forward, announce } = egress('--egress', 'masquerade') ?? assert.fail();
    assert.deepEqual([policies.length, forward, announce], [1, false, undefined]);
  });

  it('is refused where two policies contradict each other, the later one never being asked', () => {
    refused(
      /^--egress: .*can never be asked: egress number 1 takes everything that it is about; allowed: the narrower policy first$/,
      ...['--egress', 'drop protocols=tcp', '--egress', 'rotate addresses=198.51.100.0/24 protocols=tcp4'],
    );
    assert.equal(egress('--egress', 'drop protocols=tcp4', '--egress', 'masquerade protocols=tcp')?.policies.length, 2);
  });

  it('is announced on a link where there is a pool that a link can have', () => {
    const pool = (addresses: string): string[] => [
      '--egress',
      `rotate addresses=${addresses}`,
      '--egress-announce',
      'eth0',
    ];
    assert.equal(egress(...pool('198.51.100.0/24,2001:db8::/64'))?.announce, 'eth0');
    refused(
      /has nothing to announce; allowed: with an --egress rotate$/,
      '--egress',
      'drop',
      '--egress-announce',
      'eth0',
    );
    refused(/would answer for everybody: .*; allowed: 2\^24 IPv4 addresses at most$/, ...pool('0.0.0.0/0'));
    refused(/would answer for everybody: .*; allowed: 2\^96 IPv6 addresses at most$/, ...pool('2001::/16'));
  });
});
