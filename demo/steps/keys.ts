import { ipipou } from '../../test/lab/support/index.js';
import type { Side, Stage } from '../stage.js';

/** As the options take them. */
export interface KeyTexts {
  readonly privateKey: string;
  readonly publicKey: string;
}

export type Keys = Readonly<Record<Side, KeyTexts>>;

/** One pair for each side; made on its own host, where the private half stays. */
export async function makeKeys(stage: Stage): Promise<Keys> {
  const { screen } = stage;
  const make = async (side: Side): Promise<KeyTexts> => {
    const { stdout } = await stage.net[side].exec(ipipou(['--auth-keygen']));
    const [privateKey, publicKey] = stdout.split('\n');
    if (privateKey === undefined || publicKey === undefined) throw new Error(`no keys in ${JSON.stringify(stdout)}`);
    return { privateKey, publicKey };
  };
  const keys = { server: await make('server'), client: await make('client') };
  for (const side of ['server', 'client'] as const) {
    screen.typed(side, 'ipipou-ts --auth-keygen');
    screen.said(side, `${keys[side].privateKey}   (private)\n${keys[side].publicKey}   (public)`);
  }
  screen.seen('a pair for each side; each is told the public key of the other');
  return keys;
}
