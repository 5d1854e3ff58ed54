import assert from 'node:assert/strict';
import { ServerName } from '../../src/daemon/server-name.js';
import { createLogger } from '../../src/log/index.js';

let said = '';
const log = createLogger(
  { verbosity: 1, showTime: false, showPid: false },
  { write: (line) => (said += line), now: () => new Date(0), monotonicMs: () => 0, pid: 1 },
);
const name = (...answers: (() => Promise<readonly string[]>)[]): ServerName =>
  new ServerName('vpn.example', log, () => answers.shift()?.() ?? assert.fail('looked up too often'));
const answer =
  (...addresses: string[]) =>
  (): Promise<readonly string[]> =>
    Promise.resolve(addresses);

describe('name of a server', () => {
  beforeEach(() => {
    said = '';
  });

  it('gives another address where it no longer leads to the current one', async () => {
    assert.equal(await name(answer('192.0.2.2', '192.0.2.3')).other('192.0.2.1'), '192.0.2.2');
  });

  it('keeps the current address while it is one of several, whatever their order', async () => {
    assert.equal(await name(answer('192.0.2.2', '192.0.2.1')).other('192.0.2.1'), undefined);
  });

  it('keeps the current address where there is no answer, and says so a few times at most', async () => {
    const failing = (): Promise<never> => Promise.reject(new Error('EAI_AGAIN'));
    const one = name(failing, failing, answer());
    for (let count = 0; count < 3; count++) assert.equal(await one.other('192.0.2.1'), undefined);
    assert.equal(said, ' WARN the name vpn.example could not be looked up (EAI_AGAIN): staying with 192.0.2.1\n');
  });

  it('is looked up once at a time, and again when that is over', async () => {
    let finish: (addresses: readonly string[]) => void = () => undefined;
    const slow = (): Promise<readonly string[]> => new Promise((resolve) => (finish = resolve));
    const one = name(slow, answer('192.0.2.9'));
    const first = one.other('192.0.2.1');
    assert.equal(await one.other('192.0.2.1'), undefined);
    finish(['192.0.2.8']);
    assert.equal(await first, '192.0.2.8');
    assert.equal(await one.other('192.0.2.8'), '192.0.2.9');
  });
});
