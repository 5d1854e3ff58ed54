import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { generateKeyPair } from '../../src/auth/index.js';
import type { ClientConfig, ServerConfig } from '../../src/config/index.js';
import { claimKey } from '../../src/daemon/shared-key.js';
import { createLogger } from '../../src/log/index.js';
import { HeldName } from '../../src/sys/held-name.js';
import { abstractNames } from '../../src/sys/socket-owner.js';

describe('a key', () => {
  let lines: string[];
  let held: (HeldName | undefined)[];
  const keys = generateKeyPair(randomBytes(32));

  beforeEach(() => {
    lines = [];
    held = [];
  });
  afterEach(() => {
    for (const name of held) name?.release();
  });

  function claim(number: number, { mode = 'server', pair = keys } = {}): string[] {
    const edge = {
      write: (line: string) => lines.push(line.trim()),
      now: () => new Date(0),
      monotonicMs: () => 0,
      pid: 1,
    };
    const log = createLogger({ verbosity: 3, showTime: false, showPid: false }, edge);
    const auth = mode === 'server' ? { peerKey: pair.publicKey } : { ownKey: pair };
    const secret = Buffer.from('open sesame');
    const config = { mode, number, auth: { kind: 'ed25519', secret, ...auth } } as unknown as
      ServerConfig | ClientConfig;
    held.push(claimKey(config, log));
    return lines.splice(0);
  }

  for (const mode of ['server', 'client']) {
    it(`that two tunnels of a host go by is warned about, with the other's number: ${mode}s`, () => {
      assert.deepEqual(claim(31_000, { mode }), []);
      const [warning, ...more] = claim(31_001, { mode });
      assert.match(
        warning ?? '',
        /^WARN the client's key is that of tunnel 31000 of this host as well: .* a key of its own$/,
      );
      assert.deepEqual(more, []);
      assert.match(claim(31_002, { mode })[0] ?? '', /that of tunnels 31000 and 31001 of this host/);
    });
  }

  it('of a tunnel that has ended is of no matter any more', () => {
    claim(31_000);
    held.pop()?.release();
    assert.deepEqual(claim(31_001), []);
  });

  it('is not warned about for a client and its server, nor is another key', () => {
    claim(31_000);
    assert.deepEqual(claim(31_000, { mode: 'client' }), []);
    assert.deepEqual(claim(31_001, { pair: generateKeyPair(randomBytes(32)) }), []);
  });

  it('is not taken for shared where a name has no tunnel in it', () => {
    claim(31_000);
    const own = abstractNames().find((name) => name.endsWith('/31000')) ?? '';
    assert.notEqual(own, '');
    held.push(HeldName.take(own.replace('31000', '\x1b[2J')));
    held[0]?.release();
    assert.deepEqual(claim(31_001), []);
  });

  it('that cannot be claimed stops nobody', () => {
    claim(31_000);
    const [said] = claim(31_000);
    assert.match(said ?? '', /^DEBUG whether another tunnel has this key is not known: /);
  });

  it('is nothing to claim where there is none', () => {
    const config = { mode: 'server', number: 1, auth: { kind: 'token', token: Buffer.from('x') } };
    assert.equal(
      claimKey(config as unknown as ServerConfig, createLogger({ verbosity: -3, showTime: false, showPid: false })),
      undefined,
    );
  });
});
