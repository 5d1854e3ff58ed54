import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { nameOwners, parseNetlinkInodes, parseUdpInodes, udpPortOwners } from '../../src/sys/socket-owner.js';

const UDP = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  412: 0100007F:2710 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 48213 2 0000000000000000 0
  413: 00000000:2711 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 48214 2 0000000000000000 0
  414: 00000000:2710 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 0 2 0000000000000000 0
`;
const NETLINK = `sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode
00000000e90aa808 0   812        00000000 0        0        0     2        0        400
000000004af22873 12  812        00000000 0        0        0     2        0        565
000000004af22874 12  4294962731 00000000 0        0        0     2        0        566
`;

describe('the owner of a socket', () => {
  it('is found by the port, whatever the address; the kernel itself is none', () => {
    assert.deepEqual(parseUdpInodes(UDP, 10_000), [48213]);
    assert.deepEqual(parseUdpInodes(UDP, 10_001), [48214]);
    assert.deepEqual(parseUdpInodes(UDP, 10_002), []);
  });

  it('is found by protocol and port id of netlink, beyond 31 bits too', () => {
    assert.deepEqual(parseNetlinkInodes(NETLINK, 12, 812), [565]);
    assert.deepEqual(parseNetlinkInodes(NETLINK, 12, 4_294_962_731), [566]);
  });

  it('is nobody in tables that make no sense', () => {
    assert.deepEqual(parseUdpInodes('\n :2710 \nx', 10_000), []);
    assert.deepEqual(parseNetlinkInodes('\n12 12 12\n', 12, 12), []);
  });

  for (const type of ['udp4', 'udp6'] as const) {
    it(`is this very process for its own ${type} socket`, async () => {
      const socket: Socket = createSocket(type);
      socket.bind(0);
      await once(socket, 'listening');
      try {
        const name = readFileSync('/proc/self/comm', 'utf8').trim();
        assert.deepEqual(udpPortOwners(socket.address().port), [{ pid: process.pid, name }]);
      } finally {
        socket.close();
      }
    });
  }

  it('is named in words', () => {
    assert.equal(nameOwners([]), undefined);
    assert.equal(nameOwners([{ pid: 812, name: 'dnsmasq' }]), 'dnsmasq, process 812');
    assert.equal(
      nameOwners([
        { pid: 1, name: '' },
        { pid: 2, name: 'b' },
      ]),
      'process 1 and 1 more',
    );
  });
});
