/** Both daemons on a data plane that does as the test says. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitCodeOf } from '../../src/cli/exit-codes.js';
import { gatherOptions, resolve, type ClientConfig, type ServerConfig } from '../../src/config/index.js';
import { runClient } from '../../src/daemon/client.js';
import type { makePlane } from '../../src/daemon/plane.js';
import { runServer } from '../../src/daemon/server.js';
import type { DataPlane, DataPlaneHandlers } from '../../src/dataplane/index.js';
import { PlaneError, type PlanePart } from '../../src/dataplane/common/errors.js';
import { createLogger } from '../../src/log/index.js';

const STRANGER = { address: '192.0.2.66', port: 4444 };
/** What a process ends with where this part of the plane fails; the numbers are those of ipipou. */
const CODES: Readonly<Record<PlanePart, number>> = {
  privilege: 1,
  outer: 51,
  module: 10,
  queue: 20,
  nftables: 40,
  address: 51,
  link: 52,
  listener: 53,
  cleanup: 200,
};

const fail = (part: PlanePart) => (): Promise<never> => Promise.reject(new PlaneError(part, `no ${part}`));

describe('a daemon', () => {
  let folder: string;
  let lines: string[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daemons-'));
    lines = [];
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  /** Runs it with a token until it ends; `onReady` is called when it waits. */
  async function run(
    side: 'server' | 'client',
    plane: Partial<DataPlane>,
    onReady: (handlers: DataPlaneHandlers) => void = () => undefined,
  ): Promise<number> {
    const argv = side === 'server' ? ['-s'] : ['-c', '-r', '192.0.2.1:10000'];
    const raw = gatherOptions([...argv, '--auth-token', 'sesame', '--state-dir', folder], () => assert.fail());
    const resolution = resolve(raw, {});
    assert.ok(resolution.kind !== 'no-authentication');
    let handlers: DataPlaneHandlers | undefined;
    const make: typeof makePlane = (_config, _towards, given) => {
      handlers = given;
      return {
        start: () => Promise.resolve([]),
        point: () => Promise.resolve(),
        refresh: () => Promise.resolve(),
        sendAuth: () => undefined,
        dropped: () => Promise.resolve(new Map()),
        stop: () => Promise.resolve(),
        ...plane,
      };
    };
    const log = createLogger(
      { verbosity: 2, showTime: false, showPid: false },
      {
        write: (line) => {
          lines.push(line.trimEnd());
          if (!line.includes(`${side} ready`)) return;
          setImmediate(() => {
            if (handlers !== undefined) onReady(handlers);
          });
        },
        now: () => new Date(0),
        monotonicMs: () => 0,
        pid: 1,
      },
    );
    return side === 'server'
      ? runServer(resolution.config as ServerConfig, log, make)
      : runClient(resolution.config as ClientConfig, log, make);
  }

  for (const [part, code] of Object.entries(CODES) as [PlanePart, number][]) {
    it(`whose start fails by the plane's part "${part}" ends with ${code}`, async () => {
      for (const side of ['server', 'client'] as const) {
        await assert.rejects(run(side, { start: fail(part) }), (error) => {
          assert.ok(error instanceof Error);
          assert.deepEqual([error.message, exitCodeOf(error)], [`no ${part}`, code]);
          return true;
        });
      }
    });
  }

  const sides: readonly ('server' | 'client')[] = process.getuid?.() === 0 ? ['server', 'client'] : ['client'];
  for (const side of sides) {
    const refuseOneAndStop = (handlers: DataPlaneHandlers): void => {
      handlers.onAuthPacket({ from: STRANGER, payload: Buffer.from('nonsense') });
      process.emit('SIGTERM');
    };
    const summed = (): boolean => lines.some((line) => line.includes(' INFO packets refused since the start: 1 '));

    it(`that is stopped as a ${side} ends with 0, and says what it refused`, async () => {
      assert.equal(await run(side, {}, refuseOneAndStop), 0);
      assert.ok(summed(), lines.join('\n'));
    });

    it(`that can't remove all as a ${side} ends with 200, says what, and what it refused all the same`, async () => {
      await assert.rejects(run(side, { stop: fail('link') }, refuseOneAndStop), (error) => {
        assert.ok(error instanceof Error);
        assert.deepEqual([error.message, exitCodeOf(error)], ['no link', 200]);
        return true;
      });
      assert.ok(summed(), lines.join('\n'));
    });
  }
});
