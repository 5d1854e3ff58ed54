import assert from 'node:assert/strict';
import {
  Batch,
  NftablesClient,
  NftablesMonitor,
  encodeFields,
  type NftablesEvent,
  type SetSpec,
} from '../../../src/netlink/nftables/index.js';
import { describeInNamespace, type TestNamespace } from '../../support/namespace.js';

const table = { family: 'inet', name: 'watched' } as const;
const set: SetSpec = { family: 'inet', table: 'watched', name: 's', key: ['mark'] };
const elements = (count: number): { key: Buffer }[] =>
  Array.from({ length: count }, (_, index) => ({ key: encodeFields(set.key, [index]) }));

/** Keeps what a monitor tells, and lets a test wait for it. */
class Heard {
  readonly events: NftablesEvent[] = [];
  private wake: () => void = () => undefined;

  readonly take = (event: NftablesEvent): void => {
    this.events.push(event);
    this.wake();
  };

  /** Resolves with the first event from `start` on that fits; the test's own time limit ends the wait. */
  async until(fits: (event: NftablesEvent) => boolean): Promise<NftablesEvent> {
    for (;;) {
      const found = this.events.find(fits);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}

const touches = (event: NftablesEvent): string[] =>
  event.kind === 'overrun'
    ? []
    : event.tables.flatMap(({ family, name, what }) => [...what].map((way) => `${family} ${name} ${way}`)).sort();

describeInNamespace('a monitor of the ruleset', (namespace) => {
  let client: NftablesClient;
  const monitors: NftablesMonitor[] = [];

  const watch = (options: Parameters<typeof NftablesMonitor.open>[0]): NftablesMonitor => {
    const monitor = namespace().inside(() => NftablesMonitor.open(options));
    monitors.push(monitor);
    return monitor;
  };

  before(() => {
    client = namespace().inside(() => NftablesClient.open());
  });
  beforeEach(async () => {
    await client.commit(new Batch().replaceTable(table).addSet(set));
  });
  afterEach(() => {
    for (const monitor of monitors.splice(0)) monitor.close();
  });
  after(() => {
    client.close();
  });

  it('tells of our own changes by our process id, and of the generation they lead to', async () => {
    const heard = new Heard();
    watch({ onEvent: heard.take });
    await client.commit(new Batch().addElements(set, elements(3)));
    const event = await heard.until(({ kind }) => kind === 'transaction');
    assert.ok(event.kind === 'transaction');
    assert.equal(event.processId, process.pid);
    assert.equal(event.generation, await client.generation());
    assert.deepEqual(touches(event), ['inet watched elements-added']);
  });

  it('tells of a flush by the nft program, whose name it knows', async () => {
    const heard = new Heard();
    watch({ onEvent: heard.take });
    await client.commit(
      new Batch().addElements(set, elements(3)).addChain({ family: 'inet', table: 'watched', name: 'c' }),
    );
    namespace().run('nft', 'flush', 'ruleset');
    const event = await heard.until((candidate) => touches(candidate).includes('inet watched table-removed'));
    assert.ok(event.kind === 'transaction');
    assert.equal(event.processName, 'nft');
    assert.notEqual(event.processId, process.pid);
    assert.ok(touches(event).includes('inet watched set-removed'));
    assert.ok(touches(event).includes('inet watched chain-removed'));
  });

  it('tells nothing of a batch that was refused', async () => {
    const heard = new Heard();
    watch({ onEvent: heard.take });
    await assert.rejects(client.commit(new Batch().addElements(set, elements(3)).deleteElements(set, elements(9))));
    await client.commit(new Batch().addTable({ ...table, name: 'next' }));
    const first = await heard.until(() => true);
    assert.deepEqual(touches(first), ['inet next table-added']);
  });

  it('says when notices were lost, and goes on', async () => {
    const heard = new Heard();
    watch({ onEvent: heard.take, receiveBufferBytes: 4096, overrunCheckMs: 20 });
    await client.commit(new Batch().addElements(set, elements(20_000)));
    await heard.until(({ kind }) => kind === 'overrun');
    // The buffer may still be full when the loss is noticed, so one new notice may be lost, too.
    const isHeard = (event: NftablesEvent): boolean => touches(event).some((way) => way.startsWith('inet later'));
    for (let round = 0; !heard.events.some(isHeard); round++) {
      await client.commit(new Batch().addTable({ ...table, name: `later${round}` }));
    }
  });

  it('finds lost notices by itself while nothing else is heard', async () => {
    const heard = new Heard();
    watch({ onEvent: heard.take, receiveBufferBytes: 4096, overrunCheckMs: 20 });
    flood(namespace());
    const event = await heard.until(({ kind }) => kind === 'overrun');
    assert.equal(event.kind, 'overrun');
  });

  it('reports a listener that throws and keeps telling', async () => {
    const heard = new Heard();
    const errors: Error[] = [];
    watch({
      onEvent: (event) => {
        heard.take(event);
        throw new Error('a listener failed');
      },
      onError: (error) => errors.push(error),
    });
    await client.commit(new Batch().addTable({ ...table, name: 'one' }));
    await client.commit(new Batch().addTable({ ...table, name: 'two' }));
    await heard.until((event) => touches(event).includes('inet two table-added'));
    assert.deepEqual(
      errors.map(({ message }) => message),
      ['a listener failed', 'a listener failed'],
    );
  });

  it('is silent once closed, however often', async () => {
    const heard = new Heard();
    const monitor = watch({ onEvent: heard.take });
    monitor.close();
    monitor.close();
    const witness = new Heard();
    watch({ onEvent: witness.take });
    await client.commit(new Batch().addTable({ ...table, name: 'unheard' }));
    await witness.until(({ kind }) => kind === 'transaction');
    assert.deepEqual(heard.events, []);
  });
});

/** Many changes while this thread waits and cannot read a notice of them. */
function flood(namespace: TestNamespace): void {
  const marks = Array.from({ length: 5000 }, (_, index) => String(index));
  namespace.loadRuleset(`add element inet watched s { ${marks.join(', ')} }`);
}
