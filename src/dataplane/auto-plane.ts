/**
 * The first data plane that this host can carry, of several in the order of preference. Only what a plane alone needs
 * and can't have leads on to the next: a port that is taken, or no right to change the network, would stand in its way
 * just the same, and the user is to hear of it.
 */
import type { Endpoint } from '../core/endpoint.js';
import type { Logger } from '../log/index.js';
import { UnsupportedError } from './common/errors.js';
import type { AdoptedPeer, DataPlane } from './index.js';

export interface PlaneChoice {
  /** What it is called in the log. */
  readonly name: string;
  /** Throws like the constructor of the plane. */
  readonly make: () => DataPlane;
}

export class AutoPlane implements DataPlane {
  private readonly choices: readonly PlaneChoice[];
  private readonly log: Logger;
  private plane: DataPlane | undefined;

  constructor(choices: readonly PlaneChoice[], log: Logger) {
    this.choices = choices;
    this.log = log;
  }

  /** Rejects with what the plane says that should have carried it; with all reasons where none can. */
  async start(): Promise<readonly AdoptedPeer[]> {
    const reasons: string[] = [];
    for (const { name, make } of this.choices) {
      try {
        const plane = make();
        const adopted = await plane.start();
        this.plane = plane;
        this.log.info(
          reasons.length === 0 ? `data plane: ${name}` : `data plane: ${name}, since ${reasons.join('; ')}`,
        );
        return adopted;
      } catch (error) {
        // A plane that was asked for by name speaks for itself.
        if (!(error instanceof UnsupportedError) || this.choices.length === 1) throw error;
        reasons.push(error.message);
        if (reasons.length === this.choices.length) {
          // Without the last one as its cause, which would be said twice.
          throw new UnsupportedError(error.part, `no data plane can run here: ${reasons.join('; ')}`);
        }
      }
    }
    throw new Error('there is no data plane to choose from');
  }

  async point(peer: string, endpoint: Endpoint): Promise<void> {
    await this.chosen().point(peer, endpoint);
  }

  async refresh(peer: string, endpoint: Endpoint): Promise<void> {
    await this.chosen().refresh(peer, endpoint);
  }

  sendAuth(to: Endpoint, payload: Buffer): void {
    this.chosen().sendAuth(to, payload);
  }

  async dropped(): Promise<ReadonlyMap<string, number>> {
    return await this.chosen().dropped();
  }

  async stop(): Promise<void> {
    await this.chosen().stop();
  }

  private chosen(): DataPlane {
    if (this.plane === undefined) throw new Error('the data plane is not running');
    return this.plane;
  }
}
