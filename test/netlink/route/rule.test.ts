import assert from 'node:assert/strict';
import fc from 'fast-check';
import { RouteClient } from '../../../src/netlink/route/client.js';
import { decodeRule, encodeProhibitRule, ruleText, type ProhibitRule } from '../../../src/netlink/route/rule.js';
import { describeInNamespace } from '../../support/namespace.js';

const hex = (bytes: Buffer): string => bytes.toString('hex');

const word = fc.integer({ min: 0, max: 0xffff_ffff });
const rules: fc.Arbitrary<ProhibitRule> = fc.record(
  {
    family: fc.constantFrom('ip' as const, 'ip6' as const),
    priority: word,
    mark: fc.record({ value: word, mask: word }, { noNullPrototype: true }),
    inputDevice: fc.stringMatching(/^[a-z0-9]{1,15}$/),
  },
  { requiredKeys: ['family', 'priority', 'mark'], noNullPrototype: true },
);

describe('rules of policy routing', () => {
  it('are what the kernel takes', () => {
    const rule = { family: 'ip', priority: 1, inputDevice: 't0', mark: { value: 0x20, mask: 0x30 } } as const;
    assert.equal(
      hex(encodeProhibitRule(rule)),
      '02000000' +
        '00000008' +
        '00000000' + // AF_INET; FR_ACT_PROHIBIT; flags
        ('0800' + '0600' + '01000000') + // PRIORITY
        ('0700' + '0300' + '743000' + '00') + // IIFNAME
        ('0800' + '0a00' + '20000000') + // FWMARK
        ('0800' + '1000' + '30000000'), // FWMASK
    );
  });

  it('are read back as they were written', () => {
    fc.assert(
      fc.property(rules, (rule) => {
        assert.deepEqual(decodeRule(encodeProhibitRule(rule))?.prohibit, rule);
      }),
    );
  });

  it('are read from any bytes, or are none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const rule = decodeRule(Buffer.from(bytes));
        assert.ok(rule === undefined || ['ip', 'ip6'].includes(rule.family));
      }),
    );
  });

  describeInNamespace('in the kernel', (host) => {
    let client: RouteClient;
    before(() => {
      client = host().inside(() => RouteClient.open());
    });
    after(() => {
      client.close();
    });

    it('are listed as they were made, by us and by ip', async () => {
      const made: ProhibitRule[] = [
        { family: 'ip', priority: 5, inputDevice: 'lo', mark: { value: 1, mask: 3 } },
        { family: 'ip6', priority: 6, mark: { value: 2, mask: 6 } },
      ];
      for (const rule of made) assert.equal(await client.addRule(rule), true);
      const byIp = { family: 'ip', priority: 7, mark: { value: 4, mask: 12 } } as const;
      host().ip('rule', 'add', ...ruleText(byIp).split(' '));
      const prohibits = (await client.rules()).flatMap(({ prohibit }) => prohibit ?? []);
      assert.deepEqual(prohibits, [made[0], byIp, made[1]]);
      assert.equal(await client.addRule(made[0]!), false);
      for (const rule of [...made, byIp]) assert.equal(await client.deleteRule(rule), true);
      assert.equal(await client.deleteRule(byIp), false);
      const others = (await client.rules()).map(({ family, priority, isLocalTable }) => [
        family,
        priority,
        isLocalTable,
      ]);
      assert.deepEqual(others, [
        ['ip', 0, true],
        ['ip', 32_766, false],
        ['ip', 32_767, false],
        ['ip6', 0, true],
        ['ip6', 32_766, false],
      ]);
    });

    for (const words of [
      'from 192.0.2.1',
      'to 192.0.2.1',
      'oif lo',
      'not fwmark 1',
      'table 4711',
      'ipproto udp dport 9',
    ]) {
      it(`are none of ours where they go by more: ${words}`, async () => {
        host().ip('rule', 'add', ...words.split(' '), 'priority', '9', 'prohibit');
        const [rule] = (await client.rules()).filter(({ priority }) => priority === 9);
        assert.deepEqual(rule, { family: 'ip', priority: 9, isLocalTable: false, prohibit: undefined });
        host().ip('rule', 'flush', 'priority', '9');
      });
    }
  });
});
