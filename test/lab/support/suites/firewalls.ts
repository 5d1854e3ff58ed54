import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { answersPing, startPing, suiteScope, waitUntil } from '../index.js';
import { CLIENT_INNER, PORT, SERVER_INNER, type NatTunnel } from '../tunnel.js';
import { SERVER_OUTER } from '../wan.js';
import { planeTunnel, SUITE_TIMEOUT_MS, type PlaneSuite } from './plane.js';

interface Case {
  readonly name: string;
  readonly server?: string;
  readonly client?: string;
}

const filter = (rules: string): string => `
  table inet host-firewall {
    chain input {
      type filter hook input priority filter
      ${rules}
    }
  }`;
const ANSWERS_ONLY = filter(
  'policy drop; iifname "lo" accept; ct state established,related accept; iifname "ipipou0" accept;',
);

const FORGETS_SECONDS = 2;

const CASES: readonly Case[] = [
  { name: 'two hosts without any rule, so without connection tracking' },
  { name: 'a client that lets in answers only (ct state established,related accept; drop)', client: ANSWERS_ONLY },
  {
    name: 'a server that accepts only its public address and port',
    server: filter(`policy drop; ip daddr ${SERVER_OUTER} udp dport ${PORT} accept; iifname "ipipou0" accept;`),
  },
  {
    name: 'two hosts that drop what connection tracking calls invalid',
    server: filter('policy accept; ct state invalid drop;'),
    client: filter('policy accept; ct state invalid drop;'),
  },
  {
    name: 'all of it together',
    server: filter(
      `policy drop; ct state invalid drop; ip daddr ${SERVER_OUTER} udp dport ${PORT} accept; iifname "ipipou0" accept;`,
    ),
    client: filter(
      'policy drop; ct state invalid drop; iifname "lo" accept; ct state established,related accept; iifname "ipipou0" accept;',
    ),
  },
];

/** Hosts with firewalls of their own, whatever carries the tunnel. */
export function describeFirewalls({ plane, needs = [] }: PlaneSuite): void {
  describe(`firewalls (${plane})`, function () {
    this.timeout(SUITE_TIMEOUT_MS);
    for (const need of needs) before(need);
    const scope = suiteScope();
    let tunnel: NatTunnel;

    before(async () => {
      ({ tunnel } = await planeTunnel(scope, plane));
    });

    for (const { name, server: serverRules = '', client: clientRules = '' } of CASES) {
      it(`let the tunnel through, both ways: ${name}`, async () => {
        const { client, server } = tunnel.net;
        for (const [host, rules] of [
          [server, serverRules],
          [client, clientRules],
        ] as const) {
          // As on a host that comes up with these rules: nothing of what was seen before is known.
          await host.nft(`table inet host-firewall\ndelete table inet host-firewall\n${rules}`);
          await host.exec(['conntrack', '-F'], { mayFail: true });
          assert.equal((await host.nftList()).includes('ct state'), rules.includes('ct state'));
        }
        const since = tunnel.client.mark();
        tunnel.client.signal('SIGUSR1');
        await tunnel.client.waitForLog(/the server answered/, { since });
        assert.ok(await answersPing(client, SERVER_INNER));
        assert.ok(await answersPing(server, CLIENT_INNER));
      });
    }

    it('that let in answers only are opened by what the client sends through the tunnel, too', async () => {
      const { client, server } = tunnel.net;
      for (const host of [client, server]) await host.nft('table inet host-firewall\ndelete table inet host-firewall');
      await client.nft(ANSWERS_ONLY);
      await client.sysctl({
        'net.netfilter.nf_conntrack_udp_timeout': FORGETS_SECONDS,
        'net.netfilter.nf_conntrack_udp_timeout_stream': FORGETS_SECONDS,
      });
      const since = tunnel.client.mark();
      tunnel.client.signal('SIGUSR1');
      await tunnel.client.waitForLog(/the server answered/, { since });
      const isForgotten = async (): Promise<boolean> =>
        (await client.exec(['conntrack', '-L', '-p', 'udp'])).stdout.trim() === '';
      assert.equal(await isForgotten(), false);
      await waitUntil(isForgotten, { what: 'the end of what the firewall remembers' });
      assert.equal(await answersPing(server, CLIENT_INNER, 2), false, 'the firewall is open to everybody');
      const pinging = startPing(scope, client, SERVER_INNER, { count: 5 });
      assert.deepEqual((await pinging.done()).unanswered, 0);
    });
  });
}
