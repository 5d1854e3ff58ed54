/** What a decoder of outside bytes returns: the value, or in words what is wrong with them. Decoders never throw. */
export type Decoded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: string };

export const decoded = <T>(value: T): Decoded<T> => ({ ok: true, value });

export const faulty = (fault: string): { readonly ok: false; readonly fault: string } => ({ ok: false, fault });
