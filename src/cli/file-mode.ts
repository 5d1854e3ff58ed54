import { statSync } from 'node:fs';

/** See `FileMode`. */
export function fileMode(path: string): number | undefined {
  try {
    return statSync(path).mode;
  } catch {
    return undefined;
  }
}
