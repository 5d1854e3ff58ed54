/** Lists the host's packet filters. Changes nothing; asking loads nf_tables where it is a module, and not in use yet. */
import { AttributeDecoder } from '../../netlink/attributes.js';
import { NFTA_LOOKUP_SET, NftablesClient, type Chain, type Rule } from '../../netlink/nftables/index.js';
import type { FirewallFacts, SetFacts, TableFacts } from '../firewall/facts.js';
import { parseNames, readText } from './proc.js';

const FAMILIES = ['ip', 'ip6', 'inet', 'netdev'] as const;

/** Sets with more places than that are not read: what is in them is not worth the memory here. */
const MAX_SET_ELEMENTS = 200_000;

export async function probeFirewall(): Promise<FirewallFacts> {
  const [ip, ip6] = ['ip', 'ip6'].map((family) => parseNames(readText(`/proc/net/${family}_tables_names`)));
  const legacyTables = { 4: ip ?? [], 6: ip6 ?? [] };
  let nft: NftablesClient;
  try {
    nft = NftablesClient.open();
  } catch (error) {
    return { tables: [], unread: [`nf_tables: ${messageOf(error)}`], legacyTables };
  }
  try {
    return { ...(await listAll(nft)), legacyTables };
  } finally {
    nft.close();
  }
}

async function listAll(nft: NftablesClient): Promise<Pick<FirewallFacts, 'tables' | 'unread'>> {
  const tables: TableFacts[] = [];
  const unread: string[] = [];
  for (const family of FAMILIES) {
    let names: string[];
    try {
      names = (await nft.tables(family)).map(({ name }) => name);
    } catch (error) {
      unread.push(`tables of family ${family}: ${messageOf(error)}`);
      continue;
    }
    for (const name of names) {
      try {
        tables.push(await listTable(nft, family, name));
      } catch (error) {
        unread.push(`table ${family} ${name}: ${messageOf(error)}`);
      }
    }
  }
  return { tables, unread };
}

async function listTable(nft: NftablesClient, family: TableFacts['family'], name: string): Promise<TableFacts> {
  const chains: Chain[] = await nft.chains(family, name);
  // Without a chain that packets meet nothing in the table concerns us.
  if (chains.every(({ base }) => base === undefined)) return { family, name, chains: [], rules: [], sets: [] };
  const rules = await nft.rules(family, name);
  const asked = namesOfSets(rules);
  const sets: SetFacts[] = [];
  for (const set of await nft.sets(family, name)) {
    if (!asked.has(set.name)) continue;
    const isLarge = set.size !== undefined && set.size > MAX_SET_ELEMENTS;
    sets.push({
      set,
      elements: isLarge
        ? undefined
        : await nft.elements({ family, table: name, name: set.name }).catch(() => undefined),
    });
  }
  return { family, name, chains, rules, sets };
}

const namesOfSets = (rules: readonly Rule[]): ReadonlySet<string> =>
  new Set(
    rules.flatMap(({ expressions }) =>
      expressions.flatMap(({ name, data }) =>
        name === 'lookup' ? (new AttributeDecoder(data).text(NFTA_LOOKUP_SET) ?? []) : [],
      ),
    ),
  );

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
