import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUILD_SECONDS } from '../../src/auth/constants.js';
import { gatherOptions, resolve, type ClientConfig } from '../../src/config/index.js';
import { openSharedState } from '../../src/daemon/client-state.js';
import { createLogger } from '../../src/log/index.js';

const FILE = 'ipipou0.client.json';
const EARLY = BUILD_SECONDS + 10;
const LATE = EARLY + 20;

describe('the state of a client, beside its daemon', () => {
  let folder: string;
  let lines: string[];
  const log = createLogger(
    { verbosity: 0, showTime: false, showPid: false },
    { write: (line) => lines.push(line.trimEnd()), now: () => new Date(0), monotonicMs: () => 0, pid: 1 },
  );

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'client-state-'));
    lines = [];
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const configOf = (argv: readonly string[], environment: Record<string, string> = {}): ClientConfig => {
    const raw = gatherOptions(['-c', '-r', '192.0.2.1:1', ...argv], () => new Uint8Array());
    const resolution = resolve(raw, environment);
    assert.ok(resolution.kind === 'client');
    return resolution.config;
  };
  const open = (): ReturnType<typeof openSharedState> => {
    const serviceStateDirs = ['public', 'private'].map((name) => join(folder, name));
    return openSharedState({ ...configOf(['--state-dir', join(folder, 'own')]), serviceStateDirs }, log);
  };
  const put = (place: string, text: string): void => {
    mkdirSync(join(folder, place), { recursive: true });
    writeFileSync(join(folder, place, FILE), text);
  };
  const signed = (seconds: number): string => `{"version":1,"lastSigned":${seconds}}\n`;
  const there = (place: string): string => readFileSync(join(folder, place, FILE), 'utf8');

  it('is looked for where the services of the configurations named keep it', () => {
    const places = (name: string): string[] => [`/var/lib/ipipou/${name}`, `/var/lib/private/ipipou/${name}`];
    assert.deepEqual(configOf(['--config', 'home']).serviceStateDirs, places('home'));
    assert.deepEqual(configOf(['--config=a', '--config=b']).serviceStateDirs, [...places('a'), ...places('b')]);
    assert.deepEqual(configOf(['--config', './x.conf', '--config', '../y', '--config', '/z']).serviceStateDirs, []);
    assert.deepEqual(configOf(['--config', 'home', '--state-dir', '/s']).serviceStateDirs, []);
    assert.deepEqual(configOf(['--config', 'home'], { STATE_DIRECTORY: '/s' }).serviceStateDirs, []);
  });

  it('is the newest of all that there is, and kept in all of it', async () => {
    put('own', signed(EARLY));
    put('private', signed(LATE));
    symlinkSync('private', join(folder, 'public'));
    const { lastSigned, saver } = await open();
    assert.equal(lastSigned, LATE);
    saver.changed(LATE + 1, true);
    await saver.flush();
    assert.deepEqual([there('own'), there('private')], [signed(LATE + 1), signed(LATE + 1)]);
    assert.deepEqual(lines, []);
  });

  it("is the service's alone where there is no other, by its hidden name too", async () => {
    put('private', signed(LATE));
    const { lastSigned, saver } = await open();
    assert.equal(lastSigned, LATE);
    saver.changed(LATE + 1, true);
    await saver.flush();
    assert.equal(there('private'), signed(LATE + 1));
    assert.throws(() => there('own'), { code: 'ENOENT' });
  });

  it('begins in its own folder where there is none', async () => {
    const { lastSigned, saver } = await open();
    assert.equal(lastSigned, undefined);
    saver.changed(EARLY, true);
    await saver.flush();
    assert.equal(there('own'), signed(EARLY));
    assert.deepEqual(lines, []);
  });

  it('that cannot be known is said, and what can be is heeded all the same', async () => {
    put('own', signed(EARLY));
    put('public', '{"version":1,"lastSig');
    mkdirSync(join(folder, 'private', FILE), { recursive: true });
    const { lastSigned } = await open();
    assert.equal(lastSigned, EARLY);
    lines.sort();
    assert.equal(lines.length, 2);
    const [hidden = '', visible = ''] = lines;
    assert.match(hidden, /ERROR .*private\/ipipou0\.client\.json .*regular file: signing by the clock alone$/);
    assert.match(visible, /ERROR .*public\/ipipou0\.client\.json is damaged: signing by the clock alone$/);
  });
});
