import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask } from '../../src/control/client.js';
import type { Commands } from '../../src/control/connection.js';
import { CONNECTIONS_MAX, REQUEST_MAX_BYTES } from '../../src/control/constants.js';
import { findDaemons } from '../../src/control/find.js';
import { ControlError } from '../../src/control/protocol.js';
import { ControlServer } from '../../src/control/server.js';

const REQUEST = '{"version":1,"command":"status"}\n';

describe('the control socket', () => {
  let root: string;
  let path: string;
  let server: ControlServer | undefined;
  const sockets: Socket[] = [];

  const open = async (commands: Commands = {}, idleMs = 30_000): Promise<void> => {
    const all = { status: () => ({ mode: 'server', device: 'tun7', egress: true }), ...commands };
    server = await ControlServer.open(path, all, { requestMaxBytes: REQUEST_MAX_BYTES, idleMs });
  };
  const connect = async (): Promise<Socket> => {
    const socket = createConnection({ path, allowHalfOpen: true });
    socket.on('error', () => undefined);
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  };
  /** All that the daemon says until it ends the connection. */
  const untilClosed = async (socket: Socket): Promise<string> => {
    let text = '';
    for await (const chunk of socket as AsyncIterable<Buffer>) text += chunk.toString();
    return text;
  };
  /** What comes for these bytes and the end of the stream. */
  const say = async (bytes: string | Buffer): Promise<string[]> => {
    const socket = await connect();
    socket.end(bytes);
    return (await untilClosed(socket)).split('\n').slice(0, -1);
  };
  const isOk = (line: string): unknown => (JSON.parse(line) as { ok: unknown }).ok;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'control-'));
    path = join(root, 'home', 'control.sock');
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await server?.close();
    server = undefined;
    rmSync(root, { recursive: true, force: true });
  });

  it('answers', async () => {
    await open();
    const asked = await ask(path, 'status');
    assert.deepEqual(asked, {
      kind: 'reply',
      reply: { ok: true, result: { mode: 'server', device: 'tun7', egress: true } },
    });
  });

  it('hands a command what it was given, and gives back what it says or throws', async () => {
    await open({
      echo: (fields) => Promise.resolve(fields['word']),
      no: () => {
        throw new ControlError('refused', 'not now');
      },
      oops: () => Promise.reject(new Error('broken')),
    });
    const reply = async (command: string) => {
      const asked = await ask(path, command, { word: 'x' });
      return asked.kind === 'reply' ? asked.reply : assert.fail(asked.fault);
    };
    assert.deepEqual(await reply('echo'), { ok: true, result: 'x' });
    assert.deepEqual(await reply('no'), { ok: false, code: 'refused', message: 'not now' });
    assert.deepEqual(await reply('oops'), { ok: false, code: 'failed', message: 'broken' });
    for (const name of ['other', 'toString', '__proto__']) {
      const answered = await reply(name);
      assert.equal(answered.ok ? '' : answered.code, 'unknown-command');
    }
  });

  it('is for its owner and its group, from the first moment on', async () => {
    const before = process.umask(0);
    try {
      await open();
    } finally {
      process.umask(before);
    }
    assert.equal(statSync(path).mode & 0o777, 0o660);
    writeFileSync(join(root, 'other'), '', { mode: 0o666 });
    assert.equal(statSync(join(root, 'other')).mode & 0o777, 0o666 & ~before, 'what else the process makes');
  });

  it('answers requests in their order, also behind an end of the stream and without a last line end', async () => {
    await open({ slow: () => new Promise((resolve) => setImmediate(resolve, 'slow')) });
    const lines = await say(`{"version":1,"command":"slow","id":1}\n\n{"version":1,"command":"status","id":2}`);
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as { id: unknown }).id),
      [1, 2],
    );
  });

  it('stands garbage, and goes on', async () => {
    await open();
    const lines = await say(Buffer.concat([Buffer.from('\0\xff{{\n[1]\nnull\n"x"\n', 'latin1'), Buffer.from(REQUEST)]));
    assert.deepEqual(lines.map(isOk), [false, false, false, false, true]);
  });

  it('refuses a line that is too long, and ends that connection only', async () => {
    await open();
    for (const bytes of ['x'.repeat(REQUEST_MAX_BYTES + 1), `${'x'.repeat(1 << 20)}\n${REQUEST}`]) {
      const [line, ...rest] = await say(bytes);
      assert.match(line ?? '', /"code":"too-long"/);
      assert.deepEqual(rest, []);
    }
    assert.equal((await ask(path, 'status')).kind, 'reply');
  });

  it('takes so many connections, and serves others again when some have gone', async () => {
    await open();
    const idle = await Promise.all(Array.from({ length: CONNECTIONS_MAX }, connect));
    assert.deepEqual(await ask(path, 'status'), { kind: 'fault', fault: 'closed' });
    idle[0]!.write(REQUEST);
    await once(idle[0]!, 'data');
    for (const socket of idle) socket.destroy();
    for (;;) if ((await ask(path, 'status')).kind === 'reply') break;
  });

  it('closes a connection on which nothing moves', async () => {
    await open({}, 50);
    const socket = await connect();
    socket.write('{"version":1');
    assert.equal(await untilClosed(socket), '');
  });

  it('reads no more from a client that takes no reply, and serves the others', async () => {
    let served = 0;
    const page = 'x'.repeat(64 << 10);
    await open({ page: () => (served++, page) });
    const slow = await connect();
    const line = '{"version":1,"command":"page"}\n';
    const sent = 20_000;
    slow.pause();
    slow.write(line.repeat(sent));
    // What the socket's buffers take is a handful of pages; then the number stands still.
    let before = -1;
    while (before !== served || served === 0) {
      before = served;
      for (let turn = 0; turn < 20; turn += 1) assert.equal((await ask(path, 'status')).kind, 'reply');
    }
    assert.ok(served < 100, `${served} pages made for a reader of none`);
    slow.destroy();
    assert.equal((await ask(path, 'status')).kind, 'reply');
  });

  it('takes over a socket whose daemon was killed', async () => {
    const code = `require('net').createServer().listen(${JSON.stringify(join(root, 'stale'))}, () => console.log('up'))`;
    const killed = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(killed.stdout, 'data');
    const gone = once(killed, 'close');
    killed.kill('SIGKILL');
    await gone;
    path = join(root, 'stale');
    assert.ok(statSync(path).isSocket());
    assert.deepEqual(await ask(path, 'status'), { kind: 'fault', fault: 'absent' });
    await open();
    assert.equal((await ask(path, 'status')).kind, 'reply');
  });

  it('leaves alone a socket that is served, and what is no socket', async () => {
    await open();
    await assert.rejects(ControlServer.open(path, {}), /^ControlSocketError: is served by another daemon$/);
    assert.equal((await ask(path, 'status')).kind, 'reply');
    for (const [name, make] of [
      [
        'file',
        (file: string) => {
          writeFileSync(file, 'mine');
        },
      ],
      [
        'link',
        (file: string) => {
          symlinkSync(path, file);
        },
      ],
    ] as const) {
      const other = join(root, name);
      make(other);
      await assert.rejects(ControlServer.open(other, {}), /no socket$/);
    }
    await assert.rejects(ControlServer.open(join(root, 'x'.repeat(200)), {}), /is longer than 107 bytes$/);
  });

  it('goes with its daemon, with the folder that was made for it', async () => {
    await open();
    await server!.close();
    assert.deepEqual(readdirSync(root), []);
    assert.deepEqual(await ask(path, 'status'), { kind: 'fault', fault: 'absent' });
  });

  it('is asked in vain where what answers is no daemon of ours, or says nothing', async () => {
    await open({ nothing: () => new Promise(() => undefined) });
    assert.deepEqual(await ask(path, 'nothing', {}, 50), { kind: 'fault', fault: 'timeout' });
    await server!.close();
    const { createServer } = await import('node:net');
    for (const words of ['220 welcome\n', '{"ok":1}\n', `${'x'.repeat((1 << 20) + 1)}\n`]) {
      const other = createServer((socket) =>
        socket
          .on('error', () => undefined)
          .resume()
          .end(words),
      ).listen(join(root, 'other'));
      await once(other, 'listening');
      assert.deepEqual(await ask(join(root, 'other'), 'status'), { kind: 'fault', fault: 'malformed' });
      other.close();
      await once(other, 'close');
    }
  });

  it('is found by its folder, with what the daemon says of itself', async () => {
    await open();
    writeFileSync(join(root, 'a file'), '');
    const { daemons, silent } = await findDaemons(root);
    assert.deepEqual(daemons, [{ name: 'home', path, device: 'tun7', hasEgress: true }]);
    assert.deepEqual(silent, []);
    assert.deepEqual(await findDaemons(join(root, 'nothing')), { daemons: [], silent: [] });
  });
});
