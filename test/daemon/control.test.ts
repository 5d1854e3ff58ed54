import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerConfig } from '../../src/config/index.js';
import { ask } from '../../src/control/index.js';
import { commonStatus, openControl } from '../../src/daemon/control.js';
import { createLogger } from '../../src/log/index.js';

describe('the control socket of a daemon', () => {
  let controlDir: string;
  let lines: string[];
  const config = (): ServerConfig =>
    ({
      mode: 'server',
      number: 3,
      tunlDev: 'tun3',
      tunlIp: '192.0.2.1',
      tunlPeerIp: '192.0.2.2',
      controlDir,
    }) as ServerConfig;
  const open = () => {
    const edge = { write: (line: string) => lines.push(line), now: () => new Date(0), monotonicMs: () => 0, pid: 1 };
    const log = createLogger({ verbosity: 1, showTime: false, showPid: false }, edge);
    return openControl(config(), { status: () => commonStatus(config()) }, log);
  };

  beforeEach(() => {
    controlDir = mkdtempSync(join(tmpdir(), 'control-'));
    lines = [];
  });
  afterEach(() => {
    rmSync(controlDir, { recursive: true, force: true });
  });

  it('is in its folder, and says which tunnel it is', async () => {
    const control = await open();
    try {
      const asked = await ask(join(controlDir, 'control.sock'), 'status');
      assert.ok(asked.kind === 'reply' && asked.reply.ok);
      const { uptimeSeconds, ...rest } = asked.reply.result as Record<string, unknown>;
      assert.equal(typeof uptimeSeconds, 'number');
      assert.deepEqual(rest, {
        mode: 'server',
        number: 3,
        device: 'tun3',
        address: '192.0.2.1',
        peerAddress: '192.0.2.2',
        pid: process.pid,
      });
      assert.deepEqual(lines, []);
    } finally {
      await control?.close();
    }
  });

  it('is done without, with one warning, where it cannot be had', async () => {
    const first = await open();
    assert.equal(await open(), undefined);
    await first?.close();
    writeFileSync(join(controlDir, 'file'), '');
    controlDir = join(controlDir, 'file', 'below');
    assert.equal(await open(), undefined);
    controlDir = join(controlDir, '..', '..');
    const path = (end: string): string => `the control socket ${controlDir}/${end}`;
    assert.deepEqual(
      lines.map((line) => line.replace(/\((ENOTDIR|EEXIST)[^)]*\)/, '(…)')),
      [
        ` WARN ${path('control.sock')} is served by another daemon: no command reaches this daemon; choose another with --control-dir\n`,
        ` WARN ${path('file/below/control.sock')} cannot be made (…): no command reaches this daemon; choose another with --control-dir\n`,
      ],
    );
  });
});
