import assert from 'node:assert/strict';
import { Batch, NftablesClient } from '../../../src/netlink/nftables/index.js';
import { NFT_OBJECT_CT_TIMEOUT } from '../../../src/netlink/nftables/constants.js';
import { objref } from '../../../src/netlink/nftables/expressions/index.js';
import { describeInNamespace } from '../../support/namespace.js';

describeInNamespace('timeouts of connections', (namespace) => {
  it('are listed as those that nft makes', async () => {
    namespace().loadRuleset(`
      table inet q {
        ct timeout x { protocol tcp; l3proto ip; policy = { syn_sent: 7, established: 100 }; }
        ct timeout y { protocol udp; l3proto ip6; policy = { replied: 9 }; }
        chain c { ct timeout set "x"; }
      }`);
    const wanted = namespace().listRuleset();
    namespace().loadRuleset('flush ruleset');
    const client = namespace().inside(() => NftablesClient.open());
    try {
      const table = { family: 'inet', table: 'q' } as const;
      const batch = new Batch().addTable({ family: 'inet', name: 'q' });
      const seconds = (...entries: [number, number][]): Map<number, number> => new Map(entries);
      batch.addCtTimeout({ ...table, name: 'x', version: 'ip', protocol: 6, seconds: seconds([1, 7], [3, 100]) });
      batch.addCtTimeout({ ...table, name: 'y', version: 'ip6', protocol: 17, seconds: seconds([2, 9]) });
      batch.addChain({ ...table, name: 'c' });
      batch.addRule({ ...table, chain: 'c', expressions: [objref({ type: NFT_OBJECT_CT_TIMEOUT, name: 'x' })] });
      await client.commit(batch);
      assert.deepEqual(namespace().listRuleset(), wanted);
    } finally {
      client.close();
    }
  });
});
