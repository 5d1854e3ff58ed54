import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { answersPing, suiteScope } from './support/index.js';
import { CLIENT_INNER, natTunnel, type NatTunnel } from './support/tunnel.js';

/** Patience of a ping whose answer is due at once. */
const SECONDS = 10;

describe('a server with --egress', () => {
  const scope = suiteScope();
  let tunnel: NatTunnel;

  before(async () => {
    const egress = ['--egress', 'rotate addresses=198.51.100.0/28 per=tunnel', '--ip-forward'];
    tunnel = await natTunnel(scope, { args: egress });
  });

  it('sends what it has wrapped up from its own address, also where that is the first of its connection', async () => {
    const { server } = tunnel.net;
    for (let round = 0; round < 3; round += 1) {
      // Nothing comes from the client by itself: the next packet that connection tracking sees is the tunnel's.
      await server.exec(['conntrack', '-F']);
      assert.ok(await answersPing(server, CLIENT_INNER, SECONDS), `round ${round}`);
    }
    const { stdout } = await server.exec(['conntrack', '-L', '-p', 'udp']);
    assert.doesNotMatch(stdout, /198\.51\.100\./);
  });
});
