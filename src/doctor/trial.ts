/** Something that was tried in a scratch namespace. */
import { KernelError, NetlinkError } from '../netlink/errors.js';
import { SystemError } from '../sys/errors.js';

export type Trial =
  | { readonly kind: 'works' }
  /** `code`: an errno's name, or another stable word. */
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  | { readonly kind: 'untried'; readonly why: string };

export const WORKS: Trial = { kind: 'works' };

export const untried = (why: string): Trial => ({ kind: 'untried', why });

/** Carries the attempt out; what it throws is the outcome, whatever it is. */
export async function attempt(action: () => Promise<unknown>): Promise<Trial> {
  try {
    await action();
    return WORKS;
  } catch (error) {
    return refused(error);
  }
}

export function refused(error: unknown): Trial {
  const message = error instanceof Error ? error.message : String(error);
  return { kind: 'refused', code: codeOf(error), message };
}

function codeOf(error: unknown): string {
  if (error instanceof KernelError || error instanceof SystemError || error instanceof NetlinkError) return error.code;
  return error instanceof Error && error.cause !== undefined ? codeOf(error.cause) : 'ERROR';
}
