/** Networks in CIDR notation, as routes name them. */
import { formatAddress, parseAddress, WIDTH, type AddressFamily } from '../egress/address.js';
import { accept, refuse, type ValueType } from './types.js';

export interface Network {
  readonly family: AddressFamily;
  /** The first address. */
  readonly address: string;
  readonly prefixLength: number;
}

export const formatNetwork = ({ address, prefixLength }: Network): string => `${address}/${prefixLength}`;

/** A network of either IP version; an address alone is a network of one. */
export const network: ValueType<Network> = {
  kind: 'address',
  allowed: 'a network such as 10.1.0.0/16 or 2001:db8:1::/48',
  parse(text) {
    const [, head = '', bits] = /^([^/]*)(?:\/([0-9]{1,3}))?$/.exec(text) ?? [];
    const address = parseAddress(head);
    if (address === undefined) return refuse('is not a network');
    const { family, value } = address;
    const prefixLength = bits === undefined ? WIDTH[family] : Number(bits);
    if (prefixLength > WIDTH[family]) return refuse('has a longer prefix than an address has bits');
    const hostBits = BigInt(WIDTH[family] - prefixLength);
    const first = (value >> hostBits) << hostBits;
    if (first !== value) {
      return refuse(
        `is an address inside a network, which is ${formatAddress({ family, value: first })}/${prefixLength}`,
      );
    }
    return accept({ family, address: formatAddress(address), prefixLength });
  },
};
