/**
 * What the control socket offers about egress. Each answers with the report (`egress/report.ts`) as it is then:
 *
 *     egress-show
 *     egress-rotate   dropEstablished? boolean
 *     egress-ban      address text, forMs? number, dropEstablished? boolean
 *     egress-unban    address text
 */
import { ControlError, type Commands, type Fields } from '../control/index.js';
import { formatAddress, parseAddress, type IpAddress } from '../egress/address.js';
import { DURATION_MAX_MS } from '../egress/duration.js';
import { poolHas } from '../egress/pool.js';
import { BANS_MAX } from '../egress/rotation.js';
import type { EgressReport } from '../egress/report.js';
import type { Egress } from './egress.js';

/** As much of it as the commands need. */
export type CommandedEgress = Pick<Egress, 'device' | 'policies' | 'state' | 'report' | 'change'>;

/** Of a daemon without egress they are refused. */
export function egressCommands(find: () => CommandedEgress | undefined): Commands {
  const forEgress =
    (work: (egress: CommandedEgress, fields: Fields) => Promise<EgressReport>) =>
    async (fields: Fields): Promise<EgressReport> => {
      const egress = find();
      if (egress === undefined) {
        throw new ControlError(
          'refused',
          'this daemon leaves what leaves the tunnel to the host: start it with --egress',
        );
      }
      return await work(egress, fields);
    };
  return {
    'egress-show': forEgress((egress) => Promise.resolve(egress.report())),
    'egress-rotate': forEgress(rotate),
    'egress-ban': forEgress(ban),
    'egress-unban': forEgress(unban),
  };
}

async function rotate(egress: CommandedEgress, fields: Fields): Promise<EgressReport> {
  const dropEstablished = flagIn(fields, 'dropEstablished');
  if (egress.state.slots.length === 0) {
    throw new ControlError('refused', `no policy of ${egress.device} has per=tunnel: there is nothing to rotate`);
  }
  await egress.change({ kind: 'rotate' }, { dropEstablished });
  return egress.report();
}

async function ban(egress: CommandedEgress, fields: Fields): Promise<EgressReport> {
  const address = addressIn(fields);
  const forMs = timeIn(fields);
  const dropEstablished = flagIn(fields, 'dropEstablished');
  const isDrawn = egress.policies.some(({ action }) => action.mode === 'rotate' && poolHas(action.pool, address));
  if (!isDrawn) {
    throw new ControlError('refused', `${formatAddress(address)} is in no pool of ${egress.device}`);
  }
  const { bans } = egress.state;
  if (bans.length >= BANS_MAX && !isBanned(egress, address)) {
    throw new ControlError('refused', `${BANS_MAX} addresses are banned already: unban one first`);
  }
  const event = { kind: 'ban', address, ...(forMs !== undefined && { forMs }) } as const;
  await egress.change(event, { dropEstablished, alsoFrom: [address] });
  return egress.report();
}

async function unban(egress: CommandedEgress, fields: Fields): Promise<EgressReport> {
  const address = addressIn(fields);
  if (!isBanned(egress, address)) throw new ControlError('refused', `${formatAddress(address)} is not banned`);
  await egress.change({ kind: 'unban', address });
  return egress.report();
}

const isBanned = ({ state }: CommandedEgress, { family, value }: IpAddress): boolean =>
  state.bans.some(({ address }) => address.family === family && address.value === value);

function addressIn(fields: Fields): IpAddress {
  const text = fields['address'];
  const address = typeof text === 'string' ? parseAddress(text) : undefined;
  if (address === undefined) throw new ControlError('arguments', 'address is to be an IPv4 or IPv6 address');
  return address;
}

function timeIn(fields: Fields): number | undefined {
  const given = fields['forMs'];
  if (given === undefined) return undefined;
  if (typeof given === 'number' && Number.isInteger(given) && given >= 1 && given <= DURATION_MAX_MS) return given;
  throw new ControlError('arguments', `forMs is to be a whole number from 1 to ${DURATION_MAX_MS}`);
}

function flagIn(fields: Fields, name: string): boolean {
  const given = fields[name] ?? false;
  if (typeof given === 'boolean') return given;
  throw new ControlError('arguments', `${name} is to be true or false`);
}
