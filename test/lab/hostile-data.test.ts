import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { barrier, rawSender, suiteScope, udpSocket, type RawSender } from './support/index.js';
import { ipv4, udp, type Ipv4Packet } from './support/ipv4.js';
import { CLIENT_INNER, endpointOf, natTunnel, PORT, SERVER_INNER, type NatTunnel } from './support/tunnel.js';
import { SERVER_OUTER, STRANGER_OUTER } from './support/wan.js';

const RECEIVER_PORT = 7000;
const SENDER_PORT = 7001;
const UDP = 17;
const ICMP = 1;
const IPIP = 4;
const MORE_FRAGMENTS = 0x2000;

/** IP options (RFC 791, section 3.1): no operation; record route; loose source route to where it is anyway. */
const NOPS = Buffer.of(1, 1, 1, 1);
const RECORD_ROUTE = Buffer.of(7, 7, 4, 0, 0, 0, 0, 0);
const SOURCE_ROUTE = Buffer.of(131, 7, 4, 172, 28, 0, 0, 0);
/** Options that say they are longer than the header, or of no length at all. */
const TOO_LONG = Buffer.of(7, 40, 4, 0);
const NO_LENGTH = Buffer.of(7, 0, 4, 0);

/**
 * Packets from the bound endpoint, which a stranger forges, against a receiver behind the tunnel. What comes out there
 * must be one of the messages sent, whole; and nothing but that and what is let through by name may reach the host.
 */
describe('what comes out of the tunnel', () => {
  const scope = suiteScope();
  let tunnel: NatTunnel;
  let sender: RawSender;
  let boundAddress: string;
  let boundPort: number;
  let received: string[] = [];
  let serial = 0;

  before(async () => {
    tunnel = await natTunnel(scope);
    sender = rawSender(scope, tunnel.net.stranger);
    const [address = '', port = ''] = ((await endpointOf(tunnel.net.server)) ?? '').split(':');
    [boundAddress, boundPort] = [address, Number(port)];
    udpSocket(scope, tunnel.net.server, SERVER_INNER, RECEIVER_PORT).on('message', (message) => {
      received.push(message.toString('latin1'));
    });
    await tunnel.net.server.nft(`
      table ip witness {
        chain input {
          type filter hook input priority 250
          iifname "ipipou0" udp sport ${SENDER_PORT} udp dport ${RECEIVER_PORT} counter comment "the receiver's"
          iifname "ipipou0" udp sport != ${SENDER_PORT} counter comment "something else"
          iifname "ipipou0" meta l4proto != { 1, 4, 17 } counter comment "something else"
        }
      }`);
  });

  /** A message that no other packet carries, told twice over, 144 bytes. */
  function message(): string {
    serial += 1;
    const half = `message ${serial} `.padEnd(72, 'x');
    return half + half;
  }

  const innerUdp = (text: string, wrong: { length?: number; checksumError?: number } = {}): Buffer => {
    const ports = { sourcePort: SENDER_PORT, destinationPort: RECEIVER_PORT };
    return udp({ from: CLIENT_INNER, to: SERVER_INNER, ...ports, payload: Buffer.from(text), ...wrong });
  };
  const inner = (text: string, changes: Partial<Ipv4Packet> = {}): Buffer =>
    ipv4({ from: CLIENT_INNER, to: SERVER_INNER, protocol: UDP, body: innerUdp(text), ...changes });

  const outerUdp = (payload: Buffer, wrong: { length?: number; checksumError?: number } = {}): Buffer => {
    const ports = { sourcePort: boundPort, destinationPort: PORT };
    return udp({ from: boundAddress, to: SERVER_OUTER, ...ports, payload, ...wrong });
  };
  function send(body: Buffer, changes: Partial<Ipv4Packet> = {}): void {
    sender.ip(ipv4({ from: boundAddress, to: SERVER_OUTER, protocol: UDP, body, ...changes }), SERVER_OUTER);
  }

  /** What has come out since the last time, once all that was sent has been dealt with. */
  async function delivered(): Promise<string[]> {
    await barrier(tunnel.net.stranger, SERVER_OUTER);
    // The receiver's socket is read in this very process: an honest message behind the others comes last.
    const last = message();
    send(outerUdp(inner(last)));
    const deadline = performance.now() + 30_000;
    while (received.at(-1) !== last && performance.now() < deadline) await new Promise((done) => setImmediate(done));
    const all = received;
    received = [];
    assert.equal(all.pop(), last);
    return all;
  }

  async function somethingElse(): Promise<number> {
    const text = await tunnel.net.server.nftList('table ip witness');
    const counters = [...text.matchAll(/counter packets (\d+) bytes \d+ comment "something else"/g)];
    assert.equal(counters.length, 2);
    return counters.reduce((sum, [, packets]) => sum + Number(packets), 0);
  }

  /** Sends each case and says by name which were delivered; one whose message came changed throws. */
  async function whichPass(cases: Readonly<Record<string, (text: string) => void>>): Promise<string[]> {
    const names = new Map<string, string>();
    for (const [name, sendIt] of Object.entries(cases)) {
      const text = message();
      names.set(text, name);
      sendIt(text);
    }
    return (await delivered()).map((text) => names.get(text) ?? assert.fail(`nobody sent this: ${text}`));
  }

  it('is nothing where an inner length or checksum lies, and only the honest packet without its padding', async () => {
    const pass = await whichPass({
      honest: (text) => {
        send(outerUdp(inner(text)));
      },
      'padded behind its end': (text) => {
        const packet = inner(text);
        send(outerUdp(Buffer.concat([packet, Buffer.alloc(40, 0xee)])));
      },
      ...Object.fromEntries(
        [0, 1, 19, 20, 27, 28, 100, 171, 173, 200, 1500, 0x4500, 0xffff].map((totalLength) => [
          `total length ${totalLength}`,
          (text: string) => {
            send(outerUdp(inner(text, { totalLength })));
          },
        ]),
      ),
      ...Object.fromEntries(
        [0, 1, 4, 6, 7, 10, 15].map((headerWords) => [
          `header of ${headerWords} words`,
          (text: string) => {
            send(outerUdp(inner(text, { headerWords })));
          },
        ]),
      ),
      ...Object.fromEntries(
        [0, 7, 8, 151, 153, 1000, 0xffff].map((length) => [
          `UDP length ${length}`,
          (text: string) => {
            send(outerUdp(inner(text, { body: innerUdp(text, { length }) })));
          },
        ]),
      ),
      'wrong header checksum': (text) => {
        send(outerUdp(inner(text, { checksumError: 0x0100 })));
      },
      'wrong UDP checksum': (text) => {
        send(outerUdp(inner(text, { body: innerUdp(text, { checksumError: 0x0100 }) })));
      },
      'cut in its header': (text) => {
        for (let length = 1; length < 20; length++) send(outerUdp(inner(text).subarray(0, length)));
      },
      'cut anywhere': (text) => {
        const packet = inner(text);
        for (let length = 20; length < packet.length; length += 8) send(outerUdp(packet.subarray(0, length)));
      },
      'not IPv4': (text) => {
        const packet = inner(text);
        for (const version of [0, 1, 5, 6, 7, 15]) {
          packet.writeUInt8((version << 4) | 5, 0);
          send(outerUdp(packet));
        }
      },
    });
    assert.deepEqual(pass, ['honest', 'padded behind its end']);
    assert.equal(await somethingElse(), 0);
  });

  it('keeps harmless inner options, and is nothing where they lie or would choose the route', async () => {
    const withOptions = (options: Buffer) => (text: string) => {
      send(outerUdp(inner(text, { options })));
    };
    const pass = await whichPass({
      'no operation': withOptions(NOPS),
      'record route': withOptions(RECORD_ROUTE),
      'source route': withOptions(SOURCE_ROUTE),
      'too long': withOptions(TOO_LONG),
      'no length': withOptions(NO_LENGTH),
      'forty bytes of them': withOptions(Buffer.alloc(40, 1)),
    });
    assert.deepEqual(pass, ['no operation', 'record route', 'forty bytes of them']);
    assert.equal(await somethingElse(), 0);
  });

  it('is not what is packed into a second tunnel inside, nor ICMP errors about it', async () => {
    const pass = await whichPass({
      nested: (text) => {
        send(outerUdp(ipv4({ from: CLIENT_INNER, to: SERVER_INNER, protocol: IPIP, body: inner(text) })));
      },
      'nested from the internal address': (text) => {
        const body = ipv4({ from: boundAddress, to: '172.29.0.0', protocol: IPIP, body: inner(text) });
        send(outerUdp(ipv4({ from: CLIENT_INNER, to: SERVER_INNER, protocol: IPIP, body })));
      },
      'in an ICMP error': (text) => {
        const body = Buffer.concat([Buffer.of(3, 4, 0, 0, 0, 0, 0, 68), inner(text)]);
        send(outerUdp(ipv4({ from: CLIENT_INNER, to: SERVER_INNER, protocol: ICMP, body })));
      },
    });
    assert.deepEqual(pass, []);
    assert.equal(await somethingElse(), 0);
  });

  it('is a packet with harmless outer options, and nothing where the outer header, length or checksum lies', async () => {
    const withOptions = (options: Buffer) => (text: string) => {
      send(outerUdp(inner(text)), { options });
    };
    const pass = await whichPass({
      'no operation': withOptions(NOPS),
      'forty bytes of options': withOptions(Buffer.alloc(40, 1)),
      'source route': withOptions(SOURCE_ROUTE),
      'options too long': withOptions(TOO_LONG),
      'options of no length': withOptions(NO_LENGTH),
      ...Object.fromEntries(
        [0, 7, 8, 9, 179, 181, 1000, 0xffff].map((length) => [
          `UDP length ${length}`,
          (text: string) => {
            send(outerUdp(inner(text), { length }));
          },
        ]),
      ),
      'wrong UDP checksum': (text) => {
        send(outerUdp(inner(text), { checksumError: 0x0100 }));
      },
      'header only': () => {
        for (let length = 0; length < 8; length++) send(outerUdp(Buffer.alloc(0)).subarray(0, length));
        send(outerUdp(Buffer.alloc(0)));
      },
    });
    assert.deepEqual(pass, ['no operation', 'forty bytes of options']);
    assert.equal(await somethingElse(), 0);
  });

  describe('is the packet itself, once, or nothing, from outer fragments cut at every 8 bytes', () => {
    type Piece = readonly [start: number, end: number, flag?: 'last'];
    let id = 1000;

    /** An outer body of 180 bytes, each piece of it as a fragment of one packet; `spoil` changes what a piece holds. */
    function sendPieces(body: Buffer, pieces: readonly Piece[], spoil: (piece: Buffer, at: number) => Buffer): void {
      id += 1;
      for (const [index, [start, end, flag]] of pieces.entries()) {
        const more = end < body.length && flag !== 'last';
        const fragment = (more ? MORE_FRAGMENTS : 0) | (start / 8);
        send(spoil(Buffer.from(body.subarray(start, end)), index), { id, fragment });
      }
    }

    const asIs = (piece: Buffer): Buffer => piece;
    /** Where the body of 180 bytes can be cut in two. */
    const CUTS = Array.from({ length: 22 }, (_, index) => 8 * (index + 1));
    const SHAPES: Readonly<
      Record<
        string,
        {
          pieces: (cut: number, end: number) => Piece[];
          passes: boolean;
          spoil?: (piece: Buffer, at: number) => Buffer;
        }
      >
    > = {
      'in order': {
        passes: true,
        pieces: (cut, end) => [
          [0, cut],
          [cut, end],
        ],
      },
      'in reverse order': {
        passes: true,
        pieces: (cut, end) => [
          [cut, end],
          [0, cut],
        ],
      },
      'with the first one twice': {
        passes: true,
        pieces: (cut, end) => [
          [0, cut],
          [0, cut],
          [cut, end],
        ],
      },
      'without the first': { passes: false, pieces: (cut, end) => [[cut, end]] },
      'without the last': { passes: false, pieces: (cut) => [[0, cut]] },
      'with the last one reaching 8 bytes back over the first, changed': {
        passes: false,
        pieces: (cut, end) => [
          [0, cut],
          [cut - 8, end],
        ],
        spoil: (piece, at) => (at === 1 ? piece.fill(0x58, 0, 8) : piece),
      },
      'with the first one saying that it is the last': {
        passes: false,
        pieces: (cut, end) => [
          [0, cut, 'last'],
          [cut, end],
        ],
      },
    };

    for (const [name, { pieces, passes, spoil = asIs }] of Object.entries(SHAPES)) {
      it(name, async () => {
        const sent: string[] = [];
        for (const cut of CUTS) {
          const text = message();
          sent.push(text);
          const body = outerUdp(inner(text));
          assert.equal(body.length, 180);
          sendPieces(body, pieces(cut, body.length), spoil);
        }
        // On two processors packets may overtake each other.
        assert.deepEqual((await delivered()).sort(), passes ? sent.sort() : []);
        assert.equal(await somethingElse(), 0);
      });
    }

    it('in pieces of 8 bytes each', async () => {
      const text = message();
      const body = outerUdp(inner(text));
      const starts = [0, ...CUTS];
      sendPieces(
        body,
        starts.map((start) => [start, Math.min(start + 8, body.length)]),
        asIs,
      );
      assert.deepEqual(await delivered(), [text]);
    });

    it('of two packets mixed up, each with its own id', async () => {
      const [one, two] = [message(), message()];
      const [first, second] = [outerUdp(inner(one)), outerUdp(inner(two))];
      send(first.subarray(0, 80), { id: 1, fragment: MORE_FRAGMENTS });
      send(second.subarray(0, 80), { id: 2, fragment: MORE_FRAGMENTS });
      send(second.subarray(80), { id: 1, fragment: 10 });
      send(first.subarray(80), { id: 2, fragment: 10 });
      // Each is now half the one and half the other: the UDP checksum tells.
      assert.deepEqual(await delivered(), []);
      assert.equal(await somethingElse(), 0);
    });
  });

  it('is, after all that, what the client sends', async () => {
    await tunnel.net.client.exec(['ping', '-n', '-c', '3', '-i', '0.2', '-W', '5', SERVER_INNER]);
    assert.equal(await endpointOf(tunnel.net.server), `${boundAddress}:${boundPort}`);
    assert.notEqual(boundAddress, STRANGER_OUTER);
  });
});
