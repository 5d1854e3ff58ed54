import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import type { Finding, Report } from '../../src/doctor/index.js';
import { exec, ipipou, pairTopology, suiteScope, type Namespace } from './support/index.js';
import { clientArgs, makeKeys, PORT, serverArgs, startClient, startServer, stateDir } from './support/tunnel.js';

const SERVER = '10.9.3.1';

async function examine(ns: Namespace, args: readonly string[]) {
  const { code, stdout } = await ns.exec(ipipou(['doctor', '--json', ...args]), { mayFail: true });
  const report = JSON.parse(stdout) as Report;
  const find = (id: string): Finding => report.findings.find((one) => one.id === id) ?? assert.fail(`${id}: ${stdout}`);
  return { code, report, find };
}

const notOk = ({ findings }: Report): string[] =>
  findings.filter(({ status }) => status === 'lack' || status === 'warn').map(({ id, found }) => `${id}: ${found}`);

describe('doctor on a host that has everything', () => {
  const scope = suiteScope();
  const keys = makeKeys();
  const serverKeys = makeKeys();
  let server: Namespace;
  let client: Namespace;
  const asServer = serverArgs(keys, '-b', '@eth');

  before(async () => {
    // Its device file comes with it; a host has it from its start.
    await exec(['modprobe', 'tun']);
    ({ a: server, b: client } = await pairTopology(scope));
    await server.sysctl({ 'net.ipv4.ip_forward': 1 });
  });

  it('ends with 0 and every row ok, and leaves no rules', async () => {
    const { code, report, find } = await examine(server, asServer);
    assert.deepEqual(notOk(report), []);
    assert.deepEqual([code, report.fit], [0, true]);
    for (const id of [
      'fou',
      'ipip',
      'ipip-in-udp',
      'dummy',
      'nf-tables',
      'nft-rules',
      'nft-queue',
      'nfnetlink-queue',
      'tun',
    ]) {
      assert.equal(find(id).status, 'ok', id);
    }
    assert.equal(await server.nftList(), '');
  });

  it('names the rule that drops the port of the tunnel', async () => {
    await server.nft(
      `table inet strict { chain input { type filter hook input priority filter; udp dport ${PORT} drop; }\n }`,
    );
    const { code, find } = await examine(server, asServer);
    await server.nft('flush ruleset');
    assert.deepEqual([code, find('firewall-in').status], [0, 'lack']);
    assert.match(
      find('firewall-in').found,
      /is dropped: the rule with handle \d+ of chain input in table inet strict$/,
    );
  });

  it('names tunl0 where it is up', async () => {
    await server.ip('link set tunl0 up');
    const { find } = await examine(server, asServer);
    await server.ip('link set tunl0 down');
    assert.deepEqual([find('open-links').status, find('open-links').found], ['warn', 'tunl0 is up, with remote any']);
  });

  it('asks the server for its time, and the client starts behind it as if nothing had been', async () => {
    const state = stateDir(scope);
    const trust = ['--auth-remote-pubkey-b64', serverKeys.publicB64];
    await startServer(scope, server, keys, { local: '@eth', args: ['--auth-key-b64', serverKeys.privateB64] });
    const asClient = clientArgs(keys, `${SERVER}:${PORT}`, '--state-dir', state, ...trust);
    const { code, find } = await examine(client, asClient);
    assert.equal(code, 0);
    assert.match(find('clock').found, /^agrees with ours/);
    assert.match(find('path-mtu').found, /^not proven: 1500 bytes, so 1472 inside/);
    await startClient(scope, client, keys, `${SERVER}:${PORT}`, { state, args: trust });
    const beside = await examine(client, asClient);
    assert.equal(beside.find('port').found, 'in use by this tunnel, which is up');
    assert.equal(beside.find('clock').status, 'skip');
    assert.equal(beside.code, 0);
  });
});
