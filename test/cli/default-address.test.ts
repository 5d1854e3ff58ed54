import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { defaultAddress, defaultDevice, pickAddress } from '../../src/cli/default-address.js';

// As the kernel prints it (net/ipv4/fib_trie.c, fib_route_seq_show), blanks at the end included.
const HEAD =
  'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT                       \n';
const WLAN = 'wlan0\t00000000\t0100A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0                          \n';
const ETH = 'eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0                          \n';
const LAN = 'eth1\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0                          \n';
/** 0.0.0.0/1, which VPNs use in a default route's stead, is none. */
const HALF = 'tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000080\t0\t0\t0                          \n';

const ipv4 = (address: string): NetworkInterfaceInfo => ({
  address,
  family: 'IPv4',
  netmask: '255.255.255.0',
  mac: '02:00:00:00:00:01',
  internal: false,
  cidr: null,
});
const ipv6: NetworkInterfaceInfo = { ...ipv4('2001:db8::1'), family: 'IPv6', scopeid: 0 };

describe('address of a server as it is guessed', () => {
  it("is that of the default route's device, of several the one with the lowest metric", () => {
    assert.equal(defaultDevice(HEAD + LAN + HALF + WLAN + ETH), 'eth0');
    assert.equal(defaultDevice(HEAD + WLAN), 'wlan0');
  });

  it('is unknown without a default route', () => {
    assert.equal(defaultDevice(HEAD + LAN + HALF), undefined);
    assert.equal(defaultDevice(''), undefined);
  });

  it('is the first IPv4 address of the device', () => {
    const interfaces = { eth0: [ipv6, ipv4('192.0.2.1'), ipv4('192.0.2.2')], eth1: [ipv6] };
    assert.equal(pickAddress('eth0', interfaces), '192.0.2.1');
    assert.equal(pickAddress('eth1', interfaces), undefined);
    assert.equal(pickAddress('eth2', interfaces), undefined);
    assert.equal(pickAddress(undefined, interfaces), undefined);
  });

  it('is asked of the running system', () => {
    assert.equal(defaultAddress('no-such-device'), undefined);
  });
});
