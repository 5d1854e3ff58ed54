import { KEY_LENGTH, generateKeyPair } from '../../auth/index.js';
import { EXIT_CODES, type OpenServer } from '../../config/index.js';
import { pairCommands } from '../pair-commands.js';
import type { Surroundings } from '../surroundings.js';

/** Stands where the server's address goes when it cannot be guessed. */
const ADDRESS_PLACEHOLDER = 'SERVER_ADDRESS';

/** Refuses to start an open server, and shows the two commands of a closed one: those alone on stdout. */
export function noAuthentication(server: OpenServer, world: Surroundings): number {
  const { fouLocalIp, fouDev } = server.config;
  const address = fouLocalIp ?? world.defaultAddress(fouDev) ?? ADDRESS_PLACEHOLDER;
  const commands = pairCommands(world.argv, server, address, generateKeyPair(world.randomBytes(KEY_LENGTH)));
  world.err(
    'error: nothing says whom this server lets in; allowed: --auth-remote-pubkey-b64, --auth-token, --auth-by-remote-ip, ' +
      'or --auth-none to let in anyone\n' +
      'With a key pair made just now, the server (first line) and its client (second line) would be:\n',
  );
  world.out(`${commands.server}\n${commands.client}\n`);
  return EXIT_CODES.arguments.code;
}
