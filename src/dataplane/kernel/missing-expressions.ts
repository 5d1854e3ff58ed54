/**
 * Expressions of rules are modules of their own. One that is missing is found out when a rule with it is added: the
 * kernel tries to load it, and says ENOENT (nft_expr_type_get() in net/netfilter/nf_tables_api.c).
 */
import { isKernelError } from '../../netlink/errors.js';
import type { Batch } from '../../netlink/nftables/batch.js';
import { attachedTo, type Expression } from '../../netlink/nftables/expressions/index.js';
import { UnsupportedError } from '../common/errors.js';

/** Those that our rules have and a kernel may lack, although it has nf_tables. */
const MODULES: Readonly<Record<string, string>> = {
  counter: 'nft_counter',
  // By the family of our table.
  fib: 'nft_fib_ipv4',
  limit: 'nft_limit',
  queue: 'nft_queue',
};

/** What the batch was refused for, with the modules named that it takes, where that is it. */
export function namingModules(error: unknown, batch: Batch): Error {
  if (!isKernelError(error, 'ENOENT')) return error instanceof Error ? error : new Error(String(error));
  const meant = batch.expressionsMeantBy(error);
  const names = new Set(meant.flatMap(withAttached).flatMap(({ name }) => MODULES[name] ?? []));
  // Linux 5.19 and later have it built in, and before that it is rarely what is missing alone.
  if (names.size > 1) names.delete('nft_counter');
  if (names.size === 0) return error;
  const list = [...names].sort();
  return new UnsupportedError(
    'module',
    `this kernel has no ${list.join(' or no ')} (modprobe ${list.join(' ')}, or another kernel)`,
    { cause: error },
  );
}

function withAttached(expression: Expression): Expression[] {
  const attached = attachedTo(expression);
  return attached === undefined ? [expression] : [expression, attached];
}
