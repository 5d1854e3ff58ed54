/** A tunnel without the tunnel: what would come out of one comes out of a veth, and a far host sees where it comes from. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { TestNamespace } from '../../support/namespace.js';

/** Packets are made and counted by python: one socket each, no process for every connection. */
export const SEND = `
import socket, sys
print('sending')
family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET
for n in range(int(sys.argv[3])):
    s = socket.socket(family, socket.SOCK_DGRAM)
    # Each flow from a port of its own: with one that came before, it would be the same connection.
    s.bind(('', 20000 + n))
    for m in range(int(sys.argv[4])):
        try: s.sendto(b'x', (sys.argv[1], int(sys.argv[2])))
        except OSError: pass
    s.close()
`;
const RECEIVE = `
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)
s.bind(('::', int(sys.argv[1])))
while True:
    data, sender = s.recvfrom(100)
    print(sender[0].removeprefix('::ffff:'), sender[1])
`;

const SETTLED_MS = 600;

/** inner 172.28.0.1, fd28::2 ── tun0 server eth0 10.9.0.1, fd09::1 ── 10.9.0.2, fd09::2 world, whose way back is the server */
export class EgressWorld {
  readonly server: TestNamespace;
  readonly inner = new TestNamespace();
  readonly world = new TestNamespace();
  private port = 5000;

  constructor(server: TestNamespace) {
    this.server = server;
    const { inner, world } = this;
    const ip = (...words: string[]): void => void server.run('ip', ...words);
    ip('link', 'add', 'tun0', 'type', 'veth', 'peer', 'name', 'eth', 'netns', inner.name);
    ip('link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth', 'netns', world.name);
    for (const [namespace, device, v4, v6] of [
      [server, 'tun0', '172.28.0.0/31', 'fd28::1/64'],
      [server, 'eth0', '10.9.0.1/24', 'fd09::1/64'],
      [inner, 'eth', '172.28.0.1/31', 'fd28::2/64'],
      [world, 'eth', '10.9.0.2/24', 'fd09::2/64'],
    ] as const) {
      namespace.run('ip', 'addr', 'add', v4, 'dev', device);
      namespace.run('ip', 'addr', 'add', v6, 'dev', device, 'nodad');
      namespace.run('ip', 'link', 'set', device, 'up');
    }
    inner.run('ip', 'route', 'add', 'default', 'via', '172.28.0.0');
    inner.run('ip', 'route', 'add', 'default', 'via', 'fd28::1');
    // Whatever the source was, the far host has a way back: what is judged is what it sees.
    world.run('ip', 'route', 'add', 'default', 'via', '10.9.0.1');
    world.run('ip', 'route', 'add', 'default', 'via', 'fd09::1');
    server.run('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
    // IPv6 answers on a new device after a second or two.
    for (const [from, to] of [
      [inner, 'fd28::1'],
      [world, 'fd09::1'],
      [world, 'fd28::2'],
    ] as const) {
      from.run('ping', '-c', '1', '-w', '10', to);
    }
  }

  /** Never the same twice, or a flow would be the connection of one before. */
  nextPort(): number {
    this.port += 1;
    return this.port;
  }

  /** What the far host sees of so many flows of so many datagrams each, as `address port`. */
  async flows(to: '10.9.0.2' | 'fd09::2', count: number, packets = 1): Promise<string[]> {
    const port = this.nextPort();
    const words = [to, String(port), String(count), String(packets)];
    return await seen(this.world, port, () => void this.inner.run('python3', '-c', SEND, ...words));
  }

  remove(): void {
    this.inner.remove();
    this.world.remove();
  }
}

/** Starts to count, sends, and gives the `address port` of each packet that arrived until no more came. */
export async function seen(world: TestNamespace, port: number, send: () => void | Promise<void>): Promise<string[]> {
  const receiver = spawn('ip', ['netns', 'exec', world.name, 'python3', '-u', '-c', RECEIVE, String(port)]);
  let out = '';
  receiver.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  const ended = once(receiver, 'close');
  try {
    await waitForPort(world, port);
    await send();
    let before = -1;
    while (before !== out.length) {
      before = out.length;
      await sleep(SETTLED_MS);
    }
  } finally {
    receiver.kill('SIGKILL');
    await ended;
  }
  return out.split('\n').filter((line) => line !== '');
}

async function waitForPort(world: TestNamespace, port: number): Promise<void> {
  while (!world.run('ss', '-Hlun', `sport = :${port}`).includes(`:${port}`)) await sleep(20);
}

export const sourcesOf = (lines: readonly string[]): string[] => lines.map((line) => line.split(' ')[0]!);
