import type { Endpoint } from '../../core/endpoint.js';
import { RouteClient } from '../../netlink/route/client.js';
import { RawIpSocket } from '../../sys/raw-ip-socket.js';
import { requireCapabilities } from '../common/capabilities.js';
import { findOuterPath, type OuterWish } from '../common/outer-path.js';
import { encodeUdpDatagram } from './udp-datagram.js';

/** Sends one auth packet from a tunnel's port, whoever runs the tunnel. Rejects with PlaneError or SystemError. */
export async function sendOneAuthPacket(wish: OuterWish, to: Endpoint, payload: Buffer, ttl: number): Promise<void> {
  requireCapabilities(['CAP_NET_RAW']);
  const route = RouteClient.open();
  try {
    const { address } = await findOuterPath(route, wish);
    const socket = RawIpSocket.open(wish.device);
    const source = { address, port: wish.port };
    try {
      socket.send(encodeUdpDatagram({ source, destination: to, payload }, ttl), to.address);
    } finally {
      socket.close();
    }
  } finally {
    route.close();
  }
}
