/** What `nft -j` lists, made comparable from run to run. */
import assert from 'node:assert/strict';

/** The objects of the listing, table by table by name, without what the kernel chooses (handles) and time left. */
export function comparable(listing: string): unknown[] {
  const { nftables } = JSON.parse(listing) as { nftables: object[] };
  const objects = nftables.filter((object) => !('metainfo' in object)).map(withoutVolatile);
  return objects.sort((a, b) => (tableOf(a) < tableOf(b) ? -1 : tableOf(a) > tableOf(b) ? 1 : 0));
}

function withoutVolatile(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutVolatile);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => key !== 'handle' && key !== 'expires');
  return Object.fromEntries(
    kept.map(([key, child]) => [
      key,
      key === 'elem' && Array.isArray(child) ? sorted(child.map(withoutVolatile)) : withoutVolatile(child),
    ]),
  );
}

/** Each listed object is `{ kind: its properties }`. */
function tableOf(object: unknown): string {
  const [entry] = Object.entries(object as Record<string, { family: string; name: string; table?: string }>);
  const [, { family, name, table }] = entry ?? assert.fail('an empty object in the listing');
  return `${family} ${table ?? name}`;
}

/** Sets have no order of their own. */
const sorted = (elements: unknown[]): unknown[] =>
  elements.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
