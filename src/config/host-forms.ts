import { isIPv4 } from 'node:net';
import { accept, deviceName, ipv4, port, refuse, type Parsed, type ValueType } from './types.js';

/** The parts of `[IP][:PORT][@DEV]` that were written; at least one is. */
export interface LocalForm {
  readonly ip?: string;
  readonly port?: number;
  readonly dev?: string;
}

/** The parts of `[HOST][:PORT]` that were written; at least one is. */
export interface RemoteForm {
  /** A dotted quad or a name that is still to be looked up. */
  readonly host?: string;
  readonly port?: number;
}

/** The first `@` parts off the device (whose name may hold another), the first `:` before it the port. */
export const localForm: ValueType<LocalForm> = {
  kind: 'form',
  allowed: '[IP][:PORT][@DEV], such as 192.0.2.1:10000@eth0 or @eth0',
  parse(text) {
    if (text === '') return refuse('is empty');
    const [rest, dev] = splitAtFirst(text, '@');
    if (dev !== undefined && !deviceName.parse(dev).ok) return refuse('has a wrong device name');
    const [ip, portText] = splitAtFirst(rest, ':');
    const wrong = portProblem(ip, portText);
    if (wrong !== undefined) return refuse(wrong);
    if (ip !== '' && !ipv4.parse(ip).ok) return refuse('has a wrong IPv4 address');
    return accept({
      ...(ip === '' ? {} : { ip }),
      ...(portText === undefined ? {} : { port: Number(portText) }),
      ...(dev === undefined ? {} : { dev }),
    });
  },
};

export const remoteForm: ValueType<RemoteForm> = {
  kind: 'form',
  allowed: '[HOST][:PORT], HOST being an IPv4 address or a name, such as 192.0.2.1:10000 or vpn.example.net:10000',
  parse(text) {
    if (text === '') return refuse('is empty');
    const [host, portText] = splitAtFirst(text, ':');
    const wrong = portProblem(host, portText);
    if (wrong !== undefined) return refuse(wrong);
    if (host !== '') {
      const checked = checkHost(host);
      if (!checked.ok) return checked;
    }
    return accept({ ...(host === '' ? {} : { host }), ...(portText === undefined ? {} : { port: Number(portText) }) });
  },
};

function portProblem(host: string, portText: string | undefined): string | undefined {
  if (host.startsWith('[') || portText?.includes(':'))
    return 'looks like an IPv6 address, which the outer side cannot use';
  return portText === undefined || port.parse(portText).ok ? undefined : `has a wrong port (allowed: ${port.allowed})`;
}

/** An IPv4 host address, or a name by RFC 1123 section 2.1, with the underscore that real zones use. */
function checkHost(host: string): Parsed<string> {
  if (isIPv4(host)) return ipv4.parse(host).ok ? accept(host) : refuse('has a wrong IPv4 address');
  const name = host.endsWith('.') ? host.slice(0, -1) : host;
  const labels = name.split('.');
  const isName = name.length <= 253 && labels.every((label) => /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$/.test(label));
  if (!isName) return refuse('has a wrong host name');
  // A resolver reads 127.1 or 2130706433 as an address; a real top-level domain is never all digits.
  return /^(0[xX][0-9a-fA-F]*|[0-9]+)$/.test(labels.at(-1) ?? '') ? refuse('has a wrong IPv4 address') : accept(host);
}

function splitAtFirst(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
