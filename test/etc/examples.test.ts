import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gatherOptions, readBounded, resolve, type ClientConfig, type ServerConfig } from '../../src/config/index.js';

const FOLDER = fileURLToPath(new URL('../../etc/ipipou/', import.meta.url));

/** What `ipipou-ts --config FILE` makes of the text; throws as it does. */
function configOf(name: string, text?: string): ServerConfig | ClientConfig {
  const path = `${FOLDER}${name}`;
  const read = text === undefined ? readBounded : (): Uint8Array => Buffer.from(text);
  const resolution = resolve(gatherOptions(['--config', path], read), {});
  if (resolution.kind === 'no-authentication') throw new Error(`${name} lets anyone in`);
  assert.deepEqual(resolution.warnings, []);
  return resolution.config;
}

/** The file with every option in it switched on that a user could switch on. */
const switchedOn = (name: string): string => readFileSync(`${FOLDER}${name}`, 'utf8').replace(/^#(?=[a-z])/gm, '');

describe('example configuration files', () => {
  const names = readdirSync(FOLDER);

  it('are one for each side', () => {
    assert.deepEqual(names.sort(), ['client.conf.example', 'server.conf.example']);
  });

  for (const name of names) {
    it(`are complete and give no warning as they are: ${name}`, () => {
      assert.equal(`${configOf(name).mode}.conf.example`, name);
    });

    it(`have only remarks that are options, or say something: ${name}`, () => {
      const text = switchedOn(name);
      assert.notEqual(text, readFileSync(`${FOLDER}${name}`, 'utf8'));
      configOf(name, text);
    });

    it(`mark every key and secret as one to replace: ${name}`, () => {
      const lines = readFileSync(`${FOLDER}${name}`, 'utf8').split('\n');
      const secrets = lines.flatMap((line, index) => (/^auth-(key|remote|secret)/.test(line) ? [index] : []));
      assert.equal(secrets.length, 3);
      for (const index of secrets) {
        const remarks = lines.slice(lines.lastIndexOf('', index) + 1, index);
        assert.match(remarks.join('\n'), /^# REPLACE: /);
      }
    });
  }

  it('fit together: each side has the other one, and the same secret', () => {
    const server = configOf('server.conf.example');
    const client = configOf('client.conf.example');
    assert.ok(server.mode === 'server' && server.auth.kind === 'ed25519');
    assert.ok(client.mode === 'client' && client.auth.kind === 'ed25519');
    assert.deepEqual(server.auth.peerKey.raw, client.auth.ownKey.publicKey.raw);
    assert.deepEqual(client.auth.peerKey?.raw, server.auth.ownKey?.publicKey.raw);
    assert.deepEqual(client.auth.secret, server.auth.secret);
    assert.equal(client.remotePort, server.fouLocalPort);
    assert.deepEqual([client.tunlIp, client.tunlPeerIp], [server.tunlPeerIp, server.tunlIp]);
  });
});
