/** A server's name, looked up again and again: its address may change while the client runs. */
import type { Logger } from '../log/index.js';
import { messageOf } from './errors.js';
import { lookUpAll } from './resolve-host.js';

export class ServerName {
  private readonly name: string;
  private readonly log: Logger;
  private readonly lookUp: typeof lookUpAll;
  private looking = false;

  constructor(name: string, log: Logger, lookUp = lookUpAll) {
    this.name = name;
    this.log = log;
    this.lookUp = lookUp;
  }

  /**
   * Another address to use instead of the current one; undefined where it is still right, cannot be told, or another
   * look-up is under way. Of several addresses the current one stays in use. Never rejects.
   */
  async other(current: string): Promise<string | undefined> {
    if (this.looking) return undefined;
    this.looking = true;
    try {
      const found = await this.lookUp(this.name);
      return found.includes(current) ? undefined : found[0];
    } catch (error) {
      this.log.limited('look-up', 'WARN', () => {
        return `the name ${this.name} could not be looked up (${messageOf(error)}): staying with ${current}`;
      });
      return undefined;
    } finally {
      this.looking = false;
    }
  }
}
