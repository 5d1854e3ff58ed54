/**
 * The lines on the control socket, JSON objects (RFC 8259), one a line:
 *
 *     → {"version":1,"command":"egress-ban","address":"198.51.100.7","id":1}
 *     ← {"version":1,"id":1,"ok":true,"result":{…}}
 *     ← {"version":1,"id":1,"ok":false,"error":{"code":"arguments","message":"…"}}
 *
 * What a command takes stands beside it. `id`, a number or a text, comes back as it was given; it may be left out.
 * Unknown members are passed over, in both directions.
 */
import { PROTOCOL_VERSION } from './constants.js';

/** `failed` is ours to answer for, the others are the client's. */
export type ControlCode =
  /** No JSON object, or one without a command. */
  | 'malformed'
  /** Longer than REQUEST_MAX_BYTES; the connection is closed. */
  | 'too-long'
  /** Another version of this protocol. */
  | 'version'
  | 'unknown-command'
  /** What the command was given is no good. */
  | 'arguments'
  /** It can't be done now, or by this daemon. */
  | 'refused'
  | 'failed';

export type Fields = Readonly<Record<string, unknown>>;
export type RequestId = string | number;

export interface Request {
  readonly command: string;
  readonly id: RequestId | undefined;
  /** All members of the object. */
  readonly fields: Fields;
}

export type Decoded =
  | { readonly ok: true; readonly request: Request }
  | { readonly ok: false; readonly id: RequestId | undefined; readonly code: ControlCode; readonly message: string };

export type Reply =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** What a command throws to be answered with; anything else it throws is `failed`. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  readonly code: ControlCode;

  constructor(code: ControlCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Total: any text gives a request or what is wrong with it. */
export function decodeRequest(line: string): Decoded {
  const fields = objectOf(line);
  if (fields === undefined) return fault(undefined, 'malformed', 'not a JSON object');
  const { version, command, id: given } = fields;
  const id = typeof given === 'string' || typeof given === 'number' ? given : undefined;
  if (version !== PROTOCOL_VERSION) {
    return fault(id, 'version', `the version is to be ${PROTOCOL_VERSION}, the only one this daemon speaks`);
  }
  if (typeof command !== 'string') return fault(id, 'malformed', 'no command');
  return { ok: true, request: { command, id, fields } };
}

/** With its line end. */
export function encodeReply(id: RequestId | undefined, reply: Reply): string {
  const head = { version: PROTOCOL_VERSION, ...(id !== undefined && { id }) };
  const body = reply.ok
    ? { ok: true, result: reply.result ?? {} }
    : { ok: false, error: { code: reply.code, message: reply.message } };
  return `${JSON.stringify({ ...head, ...body })}\n`;
}

/** With its line end. */
export const encodeRequest = (command: string, fields: Fields): string =>
  `${JSON.stringify({ ...fields, version: PROTOCOL_VERSION, command })}\n`;

/** Undefined for what is no reply. Total. */
export function decodeReply(line: string): Reply | undefined {
  const fields = objectOf(line);
  if (fields === undefined) return undefined;
  if (fields['ok'] === true) return { ok: true, result: fields['result'] };
  const error = fields['error'];
  if (fields['ok'] !== false || !isObject(error)) return undefined;
  const { code, message } = error;
  return typeof code === 'string' && typeof message === 'string' ? { ok: false, code, message } : undefined;
}

function objectOf(line: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Also of use to whoever reads a result. */
export const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const fault = (id: RequestId | undefined, code: ControlCode, message: string): Decoded => ({
  ok: false,
  id,
  code,
  message,
});
