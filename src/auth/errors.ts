/** What a decoder of outside text or bytes gives: the value, or what is wrong with it. It never throws. */
export type Outcome<T, F> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: F };

export const success = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });

export const failure = <F>(fault: F): { readonly ok: false; readonly fault: F } => ({ ok: false, fault });

export type Base64Fault = { readonly kind: 'empty' } | { readonly kind: 'not-base64' };

export type KeyFault =
  | Base64Fault
  | { readonly kind: 'length'; readonly actual: number; readonly expected: number }
  /** A public key that verifies signatures nobody made. */
  | { readonly kind: 'weak' };

/** Reads after the name of what was given: `auth-key-b64 is empty`. Never holds the value itself. */
export function describeKeyFault(fault: KeyFault): string {
  switch (fault.kind) {
    case 'empty':
      return 'is empty';
    case 'not-base64':
      return 'is not base64 with its padding (RFC 4648, section 4)';
    case 'length':
      return `holds ${fault.actual} bytes, not ${fault.expected}`;
    case 'weak':
      return 'is a weak key that anyone can sign for';
  }
}

export type StateFault =
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable'; readonly cause: Error }
  | { readonly kind: 'too-large'; readonly limitBytes: number }
  /** Truncated, or no file of ours. */
  | { readonly kind: 'damaged' }
  | { readonly kind: 'other-version'; readonly version: number }
  /** Remembers a time that the present clock (trusted) will not reach for more than a day. Unix seconds. */
  | { readonly kind: 'from-the-future'; readonly newest: number };

/** Reads after the name of the file: `/var/lib/ipipou/srv.json is damaged`. */
export function describeStateFault(fault: StateFault): string {
  switch (fault.kind) {
    case 'missing':
      return 'does not exist';
    case 'unreadable':
      return `cannot be read: ${fault.cause.message}`;
    case 'too-large':
      return `is larger than ${fault.limitBytes} bytes`;
    case 'damaged':
      return 'is damaged';
    case 'other-version':
      return `has format version ${fault.version}, which this program does not know`;
    case 'from-the-future':
      return `remembers a time in the future (Unix second ${fault.newest})`;
  }
}
