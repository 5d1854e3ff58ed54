/** Shorthands for tests. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { parseAddress, type IpAddress } from '../../src/egress/address.js';
import { parseRange } from '../../src/egress/address-range.js';
import type { RandomBytes } from '../../src/egress/draw.js';
import type { Policy } from '../../src/egress/policy.js';
import { parsePolicy } from '../../src/egress/policy-text.js';
import { makePool, type Pool } from '../../src/egress/pool.js';

export const address = (text: string): IpAddress => parseAddress(text) ?? assert.fail(`${text} is no address`);

export function pool(addresses: string, exclude = '', edges = false): Pool {
  const ranges = (text: string) =>
    text
      .split(' ')
      .filter((word) => word !== '')
      .map((word) => {
        const range = parseRange(word);
        return range.ok ? range.value : assert.fail(`${word} ${range.problem}`);
      });
  const made = makePool({ addresses: ranges(addresses), exclude: ranges(exclude), edges });
  return made.ok ? made.value.pool : assert.fail(made.problem);
}

export function policy(text: string): Policy {
  const read = parsePolicy(text, () => true);
  return read.ok ? read.value.policy : assert.fail(`'${text}' ${read.problem}`);
}

/** Bytes that look random and are the same in every run. */
export function seededRandom(seed: number): RandomBytes {
  let count = 0;
  return (length) => {
    const blocks: Buffer[] = [];
    for (let made = 0; made < length; made += 32) {
      blocks.push(createHash('sha256').update(`${seed} ${count++}`).digest());
    }
    return Buffer.concat(blocks).subarray(0, length);
  };
}
