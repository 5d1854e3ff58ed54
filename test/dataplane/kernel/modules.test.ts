import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FouListeners, Routes } from '../../../src/dataplane/common/announce.js';
import { createLink } from '../../../src/dataplane/kernel/create-link.js';
import { PlaneError } from '../../../src/dataplane/common/errors.js';
import { ensureFou, ensureTunnelKind } from '../../../src/dataplane/kernel/modules.js';
import { KernelError } from '../../../src/netlink/errors.js';
import { FouUnavailableError } from '../../../src/netlink/fou/client.js';
import type { LinkSpec } from '../../../src/netlink/route/link.js';

/** asm-generic/errno.h */
const EEXIST = 17;
const EOPNOTSUPP = 95;

const isModuleError =
  (message: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof PlaneError, String(error));
    assert.equal(error.part, 'module');
    assert.match(error.message, message);
    return true;
  };

describe('dataplane/kernel: a module that is missing', () => {
  const path = process.env['PATH'];
  let folder: string;
  let announced: string[];
  const announce = (line: () => string): void => void announced.push(line());

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'modules-'));
    announced = [];
    process.env['PATH'] = `${folder}:${path ?? ''}`;
  });
  afterEach(() => {
    process.env['PATH'] = path;
    rmSync(folder, { recursive: true });
  });

  /** In front of the system's. */
  function modprobe(script: string): void {
    writeFileSync(join(folder, 'modprobe'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, 'modprobe'), 0o755);
  }
  /** A kernel that knows FOU from the so-manieth question on. */
  function fou(knowsAt: number, refusal: Error = new FouUnavailableError()): FouListeners {
    let questions = 0;
    const listeners = () => (++questions >= knowsAt ? Promise.resolve([]) : Promise.reject(refusal));
    return { listeners } as unknown as FouListeners;
  }

  it('is not loaded where FOU is there already', async () => {
    modprobe('exit 1');
    await ensureFou(fou(1), announce);
    assert.deepEqual(announced, []);
  });

  it('is loaded where it is fou, which is said', async () => {
    modprobe(`test "$*" = fou`);
    await ensureFou(fou(2), announce);
    assert.deepEqual(announced, ['modprobe fou']);
  });

  it('is named with the reason and the way out, where it is fou and cannot be loaded', async () => {
    modprobe('echo "modprobe: FATAL: Module fou not found." >&2; exit 1');
    await assert.rejects(
      ensureFou(fou(Infinity), announce),
      isModuleError(
        /^the kernel module fou is missing and could not be loaded: modprobe: FATAL: Module fou not found\.; run "modprobe fou" as root, or install a kernel that has it$/,
      ),
    );
  });

  it('is named where modprobe is content and the kernel still has no FOU', async () => {
    modprobe('exit 0');
    await assert.rejects(ensureFou(fou(Infinity), announce), isModuleError(/fou is missing and could not be loaded; /));
  });

  it('is not what is said of another failure', async () => {
    const denied = new RangeError('another');
    await assert.rejects(ensureFou(fou(Infinity, denied), announce), denied);
  });

  for (const kind of ['ipip', 'dummy'] as const) {
    const make = (errno: number): Promise<unknown> => {
      const refusal = new KernelError({ op: 'create link', object: 'x' }, { errno });
      const route = { createLink: () => Promise.reject(refusal) } as unknown as Routes;
      return createLink(route, { name: 'x', kind } as LinkSpec);
    };

    it(`is named where it is ${kind}`, async () => {
      await assert.rejects(
        make(EOPNOTSUPP),
        isModuleError(
          new RegExp(`^the kernel module ${kind} is missing and could not be loaded; run "modprobe ${kind}" as root, `),
        ),
      );
      await assert.rejects(make(EEXIST), KernelError);
    });
  }

  it('is none where another start tries ipip at the same moment, and nothing of a start that was killed is left', async () => {
    const deleted: number[] = [];
    const kernel = (left: { index: number } | undefined): Routes =>
      ({
        createLink: () => Promise.reject(new KernelError({ op: 'create link', object: 'x' }, { errno: EEXIST })),
        linkByName: () => Promise.resolve(left),
        deleteLink: (index: number) => Promise.resolve(deleted.push(index)),
      }) as unknown as Routes;
    const isLoadedHere = () => false;
    await ensureTunnelKind(kernel(undefined), 0, 'ipip', isLoadedHere);
    assert.deepEqual(deleted, []);
    await ensureTunnelKind(kernel({ index: 7 }), 0, 'ipip', isLoadedHere);
    assert.deepEqual(deleted, [7]);
  });
});
