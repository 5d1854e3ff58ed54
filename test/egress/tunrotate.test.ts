import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseJson, type JsonNode } from '../../src/egress/json-lines.js';
import { formatPolicy } from '../../src/egress/policy.js';
import { parseTunrotate } from '../../src/egress/tunrotate.js';

const EXAMPLE = `{
    "AllowUnknown": false,
    "Policy": [
        {
            "Protocols": [ "ipv4" ],
            "Interfaces": [ "eth0" ],
            "Mode": "passthrough"
        },
        {
            "Protocols": [ "ipv6" ],
            "Interfaces": [ "he-ipv6" ],
            "Mode": "rotate",
            "Addresses": [
                "2001:abc:def::/48"
            ]
        }
    ]
}`;

const read = (text: string) => parseTunrotate(text, (name) => /^[\w.-]+$/.test(name));
const fileOf = (text: string) => {
  const result = read(text);
  return result.ok ? result.file : assert.fail(`line ${result.fault.line}: ${result.fault.problem}`);
};

describe('a configuration of tunrotate', () => {
  it('as its manual shows it becomes policies, each with its line', () => {
    const { policies, notes } = fileOf(EXAMPLE);
    assert.deepEqual(
      policies.map(({ policy, line }) => [line, formatPolicy(policy)]),
      [
        [4, 'masquerade protocols=ipv4 interfaces=eth0'],
        [9, 'rotate addresses=2001:abc:def::/48 per=connection own=yes protocols=ipv6 interfaces=he-ipv6'],
      ],
    );
    assert.deepEqual(notes, []);
  });

  it('may be written in any case, with names that nobody knows', () => {
    const { policies } = fileOf(
      '{"POLICY":[{"protocols":["TCP4"],"mode":"Rotate","addresses":["192.0.2.0/30"],"x":1}]}',
    );
    assert.equal(
      formatPolicy(policies[0]!.policy),
      'rotate addresses=192.0.2.0/30 per=connection edges=yes own=yes protocols=tcp4',
    );
  });

  it('that allows unknown connections lets the rest out by the host’s address', () => {
    const { policies } = fileOf('{"AllowUnknown": true}');
    assert.deepEqual(
      policies.map(({ policy }) => formatPolicy(policy)),
      ['masquerade protocols=any'],
    );
  });

  it('is told what of it has no effect here', () => {
    const { notes } = fileOf('{"DefaultRoutes": false}');
    assert.deepEqual(notes, ['DefaultRoutes has no effect on what leaves a tunnel']);
  });

  it('gives its timeouts to all policies that track connections', () => {
    const { policies } = fileOf(
      `{"TcpWaitTimeout": "1m30s", "udpwaittimeout": 1500000000, "UdpConnectTimeout": "0s", "TcpConnectTimeout": -1,
        "AllowUnknown": true,
        "Policy": [{"Protocols": ["tcp"], "Mode": "rotate", "Addresses": ["192.0.2.1"]}]}`,
    );
    assert.deepEqual(
      policies.map(({ policy }) => formatPolicy(policy)),
      [
        'rotate addresses=192.0.2.1 per=connection own=yes tcp-timeout=90s udp-timeout=2s protocols=tcp',
        'masquerade tcp-timeout=90s udp-timeout=2s protocols=any',
      ],
    );
  });

  for (const [text, line, problem] of [
    ['', 1, /ends too early/],
    ['{\n"Policy": [\n}', 3, /is not JSON/],
    ['{"Policy": [],}', 1, /lacks a name/],
    ['[]', 1, /the file is not an object/],
    ['{"Policy": 1}', 1, /Policy is not a list/],
    ['{"Policy": [{"Protocols": []}]}', 1, /Protocols names no protocol/],
    ['{"Policy": [{"Protocols": ["any"],\n"Mode": "spin"}]}', 2, /Mode is unknown/],
    ['{"Policy": [{"Protocols": ["any"]}]}', 1, /Mode is unknown or missing/],
    ['{"Policy": [{"Protocols": ["any"], "Mode": "rotate"}]}', 1, /the pool has no address/],
    ['{"Policy": [{"Protocols": ["any"], "Mode": "passthrough",\n\n"Addresses": ["::1"]}]}', 3, /go with Mode rotate/],
    ['{"Policy": [{"Protocols": ["any"], "Mode": "rotate", "Addresses": ["x"]}]}', 1, /'x' is not an IP address/],
    ['{"Policy": [{"Protocols": ["any"], "Interfaces": ["a b"], "Mode": "passthrough"}]}', 1, /is no device name/],
    ['{"AllowUnknown": "no"}', 1, /neither true nor false/],
    ['{"UdpWaitTimeout": 1e300}', 1, /UdpWaitTimeout is longer than 24 days/],
    ['{"UdpWaitTimeout": "soon"}', 1, /UdpWaitTimeout is not a time/],
  ] as const) {
    it(`${JSON.stringify(text)} is refused with its line`, () => {
      const result = read(text);
      assert.ok(!result.ok);
      assert.match(result.fault.problem, problem);
      assert.equal(result.fault.line, line);
    });
  }

  it('is read from any text, or refused', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.constant(EXAMPLE).chain((text) => fc.nat(text.length).map((end) => text.slice(0, end))),
        ),
        (text) => {
          read(text);
        },
      ),
    );
  });

  it('cannot exhaust the stack', () => {
    const result = read('['.repeat(200_000));
    assert.ok(!result.ok);
    assert.match(result.fault.problem, /nested deeper/);
  });
});

describe('JSON with lines', () => {
  it('is what JSON.parse reads, and refused where that refuses', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string(), fc.stringMatching(/^[[\]{}",:0-9a-z \\-]{0,12}$/)), (text) => {
        let native: { readonly value: unknown } | undefined;
        try {
          native = { value: JSON.parse(text) as unknown };
        } catch {
          native = undefined;
        }
        const ours = parseJson(text);
        assert.equal(ours.ok, native !== undefined);
        if (ours.ok) assert.deepEqual(plain(ours.node), withoutProto(native!.value));
      }),
    );
  });
});

/** Comparable without regard to prototypes: a member named `__proto__` is a member. */
function plain({ value }: JsonNode): unknown {
  if (value instanceof Map)
    return new Map([...(value as ReadonlyMap<string, JsonNode>)].map(([key, node]) => [key, plain(node)]));
  if (Array.isArray(value)) return (value as readonly JsonNode[]).map(plain);
  return value;
}

function withoutProto(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutProto);
  if (typeof value !== 'object' || value === null) return value;
  return new Map(Object.entries(value).map(([key, member]) => [key, withoutProto(member)]));
}
