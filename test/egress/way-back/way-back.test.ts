import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { parseAddress, type IpAddress } from '../../../src/egress/address.js';
import { judgeWays, type Way } from '../../../src/egress/way-back/way-back.js';

const address = (text: string): IpAddress => parseAddress(text) ?? assert.fail(text);
const judge = (...ways: Way[]) =>
  judgeWays(ways.map((way, index) => ({ address: address(`198.51.100.${index + 1}`), way })));

describe('the way back to a pool', () => {
  it('is there where a packet came back, the address is announced, or the host’s own', () => {
    const judgement = judge({ kind: 'returned' }, { kind: 'announced', device: 'eth0' }, { kind: 'own' });
    assert.equal(judgement.kind, 'comes');
    assert.equal(
      judgement.found,
      "a packet sent to 198.51.100.1 came back, 198.51.100.2 is announced on eth0, 198.51.100.3 is this host's own",
    );
  });

  it('is not there where nobody on the link answers, and what does is named', () => {
    const judgement = judge(
      { kind: 'returned' },
      { kind: 'lost', gateway: '10.0.0.1' },
      { kind: 'on-link', device: 'eth0' },
    );
    assert.equal(judgement.kind, 'fails');
    assert.match(judgement.found, /198\.51\.100\.3 belongs to the link of eth0, where nobody answers for it/);
    assert.match(judgement.remedy ?? '', /--egress-announce eth0/);
  });

  it('is not shown where a packet was lost or could not be sent', () => {
    const lost = judge({ kind: 'returned' }, { kind: 'lost', gateway: '10.0.0.1' });
    assert.equal(lost.kind, 'open');
    assert.match(lost.found, /a packet sent to 198\.51\.100\.2 by way of 10\.0\.0\.1 did not come back/);
    assert.match(judge({ kind: 'lost', gateway: undefined }).found, /sent to 198\.51\.100\.1 did not/);
    const untried = judge({ kind: 'untried', why: 'this host has no route to it' });
    assert.deepEqual([untried.kind, untried.found], ['open', '198.51.100.1: this host has no route to it']);
    for (const one of [lost, untried]) assert.ok(one.remedy !== undefined);
  });
});
