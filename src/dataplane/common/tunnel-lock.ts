/**
 * Who runs a tunnel. What a tunnel is made of carries its number (mark.ts), and a start takes over what has its own; so
 * there must be one process at most for each number in a network namespace. It holds a name that goes with it, even
 * where it is killed.
 */
import { HeldName, NameTakenError } from '../../sys/held-name.js';
import { nameOwners } from '../../sys/socket-owner.js';
import { messageOf, PlaneError } from './errors.js';

const nameOf = (number: number): string => `ipipou-ts/tunnel/${number}`;

/** Throws PlaneError where another process runs the tunnel. */
export function lockTunnel(number: number): HeldName {
  try {
    return HeldName.take(nameOf(number));
  } catch (error) {
    if (!(error instanceof NameTakenError)) throw new PlaneError('link', messageOf(error), { cause: error });
    const by = nameOwners(error.owners) ?? 'another process';
    throw new PlaneError(
      'link',
      `tunnel ${number} is run by ${by} here already: stop that one, or give this one another --number`,
    );
  }
}
