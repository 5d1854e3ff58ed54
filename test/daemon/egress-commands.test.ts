import assert from 'node:assert/strict';
import { ControlError } from '../../src/control/index.js';
import { egressCommands, type CommandedEgress } from '../../src/daemon/egress-commands.js';
import { reportEgress, type EgressReport } from '../../src/egress/report.js';
import { BANS_MAX, startRotation, stepRotation, type SlotSeed } from '../../src/egress/rotation.js';
import { address, policy, seededRandom } from '../egress/make.js';

const random = seededRandom(3);

/** The decisions as they are, with no kernel behind them. */
function egress(...texts: string[]): CommandedEgress & { readonly wishes: unknown[] } {
  const policies = texts.map((text) => policy(text));
  const seeds = policies.flatMap(({ action }, index): SlotSeed[] =>
    action.mode === 'rotate' && action.per === 'tunnel' ? [{ device: 'tun0', index, action }] : [],
  );
  let state = startRotation(seeds, 0, random);
  const wishes: unknown[] = [];
  return {
    device: 'tun0',
    policies,
    wishes,
    get state() {
      return state;
    },
    report: () => reportEgress('tun0', policies, state, 0),
    change: (event, wish) => {
      state = stepRotation(state, event, 0, random);
      wishes.push(wish);
      return Promise.resolve();
    },
  };
}

const TUNNEL = 'rotate addresses=198.51.100.0/24 per=tunnel';
const CONNECTION = 'rotate addresses=203.0.113.0/24,2001:db8::/64';

describe('what a daemon can be told about egress', () => {
  const tell = async (one: CommandedEgress | undefined, command: string, fields = {}): Promise<EgressReport> =>
    (await egressCommands(() => one)[command]?.(fields)) as EgressReport;
  const holds = ({ policies }: EgressReport): string | undefined => policies[0]?.holds?.[0];

  it('is to show what there is', async () => {
    assert.deepEqual(await tell(egress(TUNNEL.replace('0/24', '7'), CONNECTION, 'drop'), 'egress-show'), {
      device: 'tun0',
      policies: [
        {
          number: 1,
          policy: 'rotate addresses=198.51.100.7 per=tunnel protocols=any',
          holds: ['198.51.100.7'],
          nextMs: null,
          available: '1',
        },
        {
          number: 2,
          policy: 'rotate addresses=203.0.113.1-203.0.113.254,2001:db8::/64 per=connection protocols=any',
          holds: null,
          nextMs: null,
          available: String(254n + (1n << 64n)),
        },
        { number: 3, policy: 'drop protocols=any', holds: null, nextMs: null, available: null },
      ],
      bans: [],
      own: [],
    });
  });

  it('is to draw anew, and to end what is established if asked', async () => {
    const one = egress(TUNNEL);
    const before = holds(one.report());
    const after = await tell(one, 'egress-rotate');
    assert.notEqual(holds(after), before);
    await tell(one, 'egress-rotate', { dropEstablished: true });
    assert.deepEqual(one.wishes, [{ dropEstablished: false }, { dropEstablished: true }]);
  });

  it('is to ban and to unban an address', async () => {
    const one = egress(TUNNEL, CONNECTION);
    const held = holds(one.report()) ?? assert.fail();
    const banned = await tell(one, 'egress-ban', { address: held, forMs: 5000, dropEstablished: true });
    assert.notEqual(holds(banned), held);
    assert.deepEqual(banned.bans, [{ address: held, leftMs: 5000 }]);
    assert.equal(banned.policies[0]?.available, '253');
    assert.deepEqual(one.wishes, [{ dropEstablished: true, alsoFrom: [address(held)] }]);
    await tell(one, 'egress-ban', { address: '2001:0DB8::5' });
    const { bans } = await tell(one, 'egress-unban', { address: held });
    assert.deepEqual(bans, [{ address: '2001:db8::5', leftMs: null }]);
  });

  const full = egress('rotate addresses=10.0.0.0/8 per=tunnel');
  for (let value = 0; value < BANS_MAX; value += 1) {
    void full.change({ kind: 'ban', address: { family: 'ip', value: 0x0a01_0000n + BigInt(value) } });
  }
  for (const [title, one, command, fields, code, message] of [
    ['a daemon without egress', undefined, 'egress-show', {}, 'refused', /start it with --egress/],
    ['a rotation of nothing', egress(CONNECTION), 'egress-rotate', {}, 'refused', /no policy of tun0 has per=tunnel/],
    [
      'an address of no pool',
      egress(TUNNEL, 'masquerade'),
      'egress-ban',
      { address: '192.0.2.1' },
      'refused',
      /^192\.0\.2\.1 is in no pool of tun0$/,
    ],
    [
      'no address',
      egress(TUNNEL),
      'egress-ban',
      { address: 7 },
      'arguments',
      /address is to be an IPv4 or IPv6 address/,
    ],
    ['a prefix', egress(TUNNEL), 'egress-ban', { address: '198.51.100.0/25' }, 'arguments', /address is to be/],
    ...[0, -1, 1.5, '5', 2 ** 31, null].map(
      (forMs) =>
        [
          `the time ${forMs}`,
          egress(TUNNEL),
          'egress-ban',
          { address: '198.51.100.1', forMs },
          'arguments',
          /forMs is to be a whole number from 1 to 2147483647/,
        ] as const,
    ),
    ['no truth value', egress(TUNNEL), 'egress-rotate', { dropEstablished: 1 }, 'arguments', /true or false/],
    ['what is not banned', egress(TUNNEL), 'egress-unban', { address: '198.51.100.1' }, 'refused', /is not banned$/],
    ['one ban too many', full, 'egress-ban', { address: '10.2.0.0' }, 'refused', /1024 addresses are banned already/],
  ] as readonly (readonly [string, CommandedEgress | undefined, string, object, string, RegExp])[]) {
    it(`is refused, in words: ${title}`, async () => {
      await assert.rejects(
        async () => tell(one, command, fields),
        (error) => error instanceof ControlError && error.code === code && message.test(error.message),
      );
    });
  }

  it('may ban anew what is banned, also where no other ban fits', async () => {
    assert.equal((await tell(full, 'egress-ban', { address: '10.1.0.5', forMs: 9 })).bans.length, BANS_MAX);
  });
});
