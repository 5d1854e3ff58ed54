import assert from 'node:assert/strict';
import { egress } from '../../src/cli/commands/egress.js';
import type { Asked, Fields, Found, FoundDaemon } from '../../src/control/index.js';
import type { EgressReport } from '../../src/egress/report.js';

const daemon = (name: string, hasEgress = true): FoundDaemon => ({
  name,
  path: `/run/ipipou/${name}/control.sock`,
  device: `tun-${name}`,
  hasEgress,
});

const REPORT: EgressReport = {
  device: 'tun-home',
  policies: [
    { number: 1, policy: 'rotate …', holds: ['198.51.100.7', '2001:db8::1'], nextMs: 598_001, available: '254' },
    { number: 2, policy: 'masquerade …', holds: null, nextMs: null, available: null },
  ],
  bans: [
    { address: '198.51.100.9', leftMs: 3_600_000 },
    { address: '198.51.100.10', leftMs: null },
  ],
  own: ['198.51.100.1'],
};

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly asked: readonly (readonly [string, string, Fields])[];
}

async function run(
  line: string,
  found: Partial<Found> = {},
  answer: Asked = { kind: 'reply', reply: { ok: true, result: REPORT } },
): Promise<Run> {
  const asked: [string, string, Fields][] = [];
  let [out, err] = ['', ''];
  const code = await egress({
    argv: ['egress', ...line.split(' ')],
    out: (text) => (out += text),
    err: (text) => (err += text),
    daemons: {
      find: () => Promise.resolve({ daemons: [], silent: [], ...found }),
      ask: (...words) => {
        asked.push(words);
        return Promise.resolve(answer);
      },
    },
  });
  return { code, out, err, asked };
}

describe('egress commands', () => {
  it('ask the one daemon there is, and show what it says', async () => {
    const { code, out, err, asked } = await run('show', { daemons: [daemon('home')] });
    assert.deepEqual([code, err], [0, '']);
    assert.deepEqual(asked, [['/run/ipipou/home/control.sock', 'egress-show', {}]]);
    assert.equal(
      out,
      [
        'tun-home',
        '  policy  holds                      next   what',
        '  1       198.51.100.7, 2001:db8::1  9m59s  rotate …',
        '  2       -                          -      masquerade …',
        '  banned         left',
        '  198.51.100.9   1h',
        '  198.51.100.10  for good',
        "  the server's own, not drawn: 198.51.100.1",
        '',
      ].join('\n'),
    );
  });

  it('hand over what they were given', async () => {
    const found = { daemons: [daemon('home')] };
    assert.deepEqual((await run('rotate --drop-established', found)).asked[0]?.slice(1), [
      'egress-rotate',
      { dropEstablished: true },
    ]);
    assert.deepEqual((await run('ban 192.0.2.1 --for 1h', found)).asked[0]?.slice(1), [
      'egress-ban',
      { address: '192.0.2.1', forMs: 3_600_000, dropEstablished: false },
    ]);
    assert.deepEqual((await run('unban 192.0.2.1', found)).asked[0]?.slice(1), [
      'egress-unban',
      { address: '192.0.2.1' },
    ]);
  });

  it('print JSON for programs', async () => {
    const { out } = await run('show --json', { daemons: [daemon('home')] });
    assert.deepEqual(JSON.parse(out), { format: 1, ...REPORT });
  });

  it('find the daemon by the name of its folder, its device, its path, or by its being the only one with egress', async () => {
    const found = { daemons: [daemon('away'), daemon('home'), daemon('third', false)] };
    const path = async (line: string, some: Partial<Found> = found) => (await run(line, some)).asked[0]?.[0];
    assert.equal(await path('show home'), '/run/ipipou/home/control.sock');
    assert.equal(await path('show tun-home'), '/run/ipipou/home/control.sock');
    assert.equal(await path('show /else/where'), '/else/where/control.sock');
    assert.equal(await path('show ./here'), 'here/control.sock');
    assert.equal(await path('show', { daemons: found.daemons.slice(1) }), '/run/ipipou/home/control.sock');
  });

  it('warn where a policy has nothing left', async () => {
    const [first, ...rest] = REPORT.policies;
    const result = { ...REPORT, policies: [{ ...first, holds: [], available: '0' }, ...rest] };
    const answer: Asked = { kind: 'reply', reply: { ok: true, result } };
    const { code, out, err } = await run('show', { daemons: [daemon('home')] }, answer);
    assert.equal(code, 0);
    assert.match(out, /^ {2}1 {7}none /m);
    assert.equal(err, 'warning: tun-home: policy 1 has no address left: what it is about does not leave\n');
  });

  const fault = (kind: 'absent' | 'denied' | 'closed' | 'timeout' | 'malformed'): Asked => ({
    kind: 'fault',
    fault: kind,
  });
  for (const [title, line, found, answer, message] of [
    ['no daemon runs', 'show', {}, undefined, /no daemon runs here: start one, or name the folder/],
    [
      'several run and none is named',
      'rotate',
      { daemons: [daemon('away'), daemon('home')] },
      undefined,
      /several daemons run: name one of away, home/,
    ],
    [
      'several run and none has egress',
      'rotate',
      { daemons: [daemon('away', false), daemon('home', false)] },
      undefined,
      /several daemons run: name one of away, home/,
    ],
    ['none has the name', 'show x', { daemons: [daemon('home')] }, undefined, /is called 'x': there are home/],
    ['none has the name, there being none', 'show x', {}, undefined, /is called 'x': there is none/],
    [
      'the only one is not for this user',
      'show',
      { silent: [{ name: 'home', fault: 'denied' }] },
      undefined,
      /home is not for this user: ask as root, or as a member of the group/,
    ],
    [
      'the one named does not answer',
      'show home',
      { silent: [{ name: 'home', fault: 'timeout' }] },
      undefined,
      /home does not answer: is its process stopped/,
    ],
    ['nobody listens', 'show /x', {}, fault('absent'), /nobody listens at \/x\/control.sock: is the daemon running/],
    ['too many ask', 'show /x', {}, fault('closed'), /ended the connection: it has too many, or is stopping/],
    ['something else answers', 'show /x', {}, fault('malformed'), /answers something else/],
    [
      'another program answers',
      'show /x',
      {},
      { kind: 'reply', reply: { ok: true, result: {} } },
      /answers something else/,
    ],
    [
      'the daemon refuses',
      'ban 192.0.2.1 /x',
      {},
      { kind: 'reply', reply: { ok: false, code: 'refused', message: '192.0.2.1 is in no pool of tun0' } },
      /egress ban: 192\.0\.2\.1 is in no pool of tun0 /,
    ],
  ] as readonly (readonly [string, string, Partial<Found>, Asked | undefined, RegExp])[]) {
    it(`end in one line and 61 where ${title}`, async () => {
      const { code, out, err } = await run(line, found, answer);
      assert.deepEqual([code, out], [61, '']);
      assert.match(err, message);
      assert.match(err, /^error: egress [a-z]+: [^\n]+ \(exit code 61: [^\n]+\)\n$/);
    });
  }
});
