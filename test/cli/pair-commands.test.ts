import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { generateKeyPair } from '../../src/auth/index.js';
import { pairCommands } from '../../src/cli/pair-commands.js';
import { resolve, type RawOption } from '../../src/config/index.js';

const KEY = generateKeyPair(Buffer.alloc(32, 7));

/** The client's command for a server that was asked for with these options and no authentication. */
function clientCommand(...options: [RawOption['name'], string][]): string {
  const given = [['server', undefined] as const, ...options];
  const raw = given.map(([name, value]): RawOption => ({ name, value, origin: { kind: 'argv' } }));
  const resolution = resolve(raw, {});
  assert.equal(resolution.kind, 'no-authentication');
  return pairCommands(['-s'], resolution.server, '192.0.2.2', KEY).client;
}

describe('the two command lines for a pair', () => {
  it('give the client the other half of the addresses in the tunnel', () => {
    assert.match(clientCommand(), /--tunl-ip 172\.28\.0\.1 --keepalive/);
    assert.match(clientCommand(['tunl-ip', '10.0.0.1']), /--tunl-ip 10\.0\.0\.2 --keepalive/);
    assert.match(clientCommand(['tunl-peer-ip', '10.0.0.9']), /--tunl-ip 10\.0\.0\.9 --tunl-peer-ip 172\.28\.0\.0 /);
  });

  it('give it those of IPv6 where the server has some', () => {
    assert.doesNotMatch(clientCommand(), /ip6/);
    assert.match(clientCommand(['tunl-ip6', 'fd00::1']), /--tunl-ip6 fd00::2 --keepalive/);
    assert.match(
      clientCommand(['tunl-ip6', 'fd00::1'], ['tunl-peer-ip6', 'fd01::9']),
      /--tunl-ip6 fd01::9 --tunl-peer-ip6 fd00::1 --keepalive/,
    );
  });
});
