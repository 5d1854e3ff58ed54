/** Something can't be had on this machine (no root, no network, no package): to be skipped with this reason, not a bug. */
export class Unavailable extends Error {
  /** @param {string} reason */
  constructor(reason) {
    super(reason);
    this.name = 'Unavailable';
  }
}
