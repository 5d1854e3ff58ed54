import type { IngressFilter } from './filter.js';
import type { Step } from '../common/step.js';

/** No filter: the tunnel's outer address is the host's own, and whoever sends from the server's address gets in. */
export class NoFilter implements IngressFilter {
  plan(): Promise<Step[]> {
    return Promise.resolve([]);
  }

  moveOuter(): Promise<void> {
    return Promise.resolve();
  }

  admit(): Promise<void> {
    return Promise.resolve();
  }

  shutOut(): Promise<void> {
    return Promise.resolve();
  }

  dropped(): Promise<ReadonlyMap<string, number>> {
    return Promise.resolve(new Map());
  }

  remove(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    // Nothing is open.
  }
}
