import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { answersPing, suiteScope, waitUntil } from './support/index.js';
import { CLIENT_INNER, natTunnel, SERVER_INNER, type NatTunnel } from './support/tunnel.js';
import { SERVER_OUTER } from './support/wan.js';

/** Patience of a ping whose answer is due at once. */
const SECONDS = 10;
const POOL = '198.51.100.0/28';
/** Has the stranger, the internet here, behind the server alone. */
const INTERNET = '198.18.0.1';

describe('a server with --egress', () => {
  const scope = suiteScope();
  let tunnel: NatTunnel;

  before(async () => {
    const egress = ['--egress', `rotate addresses=${POOL} per=tunnel`, '--ip-forward'];
    tunnel = await natTunnel(scope, { args: egress }, { args: ['--route', `${INTERNET}/32`] });
    const { server, stranger } = tunnel.net;
    await stranger.ip(`address add ${INTERNET}/32 dev wan`, `route add ${POOL} via ${SERVER_OUTER}`);
    await server.ip(`route add ${INTERNET}/32 dev wan`);
    await stranger.nft(`
      table ip seen {
        set sources { type ipv4_addr; flags dynamic; size 100; }
        chain in {
          type filter hook prerouting priority 0
          ip daddr ${INTERNET} update @sources { ip saddr }
        }
      }`);
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

  it('lets nothing leave with its inner address while its table is gone, and answers as itself', async () => {
    const { client, server, stranger } = tunnel.net;
    const sources = (): Promise<string> => stranger.nftList('set ip seen sources');
    assert.ok(await answersPing(client, INTERNET, SECONDS));
    assert.match(await sources(), /198\.51\.100\./);
    await stranger.exec(['nft', 'flush', 'set', 'ip', 'seen', 'sources']);
    tunnel.server.signal('SIGSTOP');
    try {
      await server.exec(['nft', 'delete', 'table', 'inet', 'ipipou-0-egress']);
      assert.ok(!(await answersPing(client, INTERNET, 2)));
      assert.ok(await answersPing(client, SERVER_INNER));
      assert.doesNotMatch(await sources(), /\d\.\d/);
    } finally {
      tunnel.server.signal('SIGCONT');
    }
    // Until the table is repaired the server says that it is prohibited, by which a ping ends.
    await waitUntil(() => answersPing(client, INTERNET, SECONDS), { what: 'the repair' });
    assert.match(await sources(), /198\.51\.100\./);
  });
});
