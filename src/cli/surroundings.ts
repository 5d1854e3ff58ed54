import type { ClientConfig, FileMode, ReadFile, ServerConfig } from '../config/index.js';
import type { Asked, Fields, Found } from '../control/index.js';
import type { ProbeRequest, Report } from '../doctor/index.js';
import type { LogEdge, Logger } from '../log/index.js';

/** Runs until it is stopped; gives the exit code. */
export type Runner<C> = (config: C, logger: Logger) => Promise<number>;

export interface Runners {
  readonly server: Runner<ServerConfig>;
  readonly client: Runner<ClientConfig>;
  readonly reauth: Runner<ClientConfig>;
  /** Examines the host; the report says whether the tunnel could run on it. */
  readonly doctor: (request: ProbeRequest) => Promise<Report>;
}

/** All that the command line tool takes from, and gives to, the world. */
export interface Surroundings {
  /** The words behind the program's name. */
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether `out` is a terminal that shows colours. */
  readonly colour: boolean;
  readonly logEdge: LogEdge;
  /** Told of the log as soon as there is one, for what fails outside of the command. */
  readonly onLogger: (logger: Logger) => void;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly readFile: ReadFile;
  readonly fileMode: FileMode;
  /** Told of `argv` without its secrets before a daemon runs, to be shown to other users instead of it. */
  readonly onCommandLine: (masked: readonly string[]) => void;
  /** Own outer IPv4 address, as well as it can be guessed. */
  readonly defaultAddress: (device: string | undefined) => string | undefined;
  readonly runners: Runners;
  /** The daemons that run on this host. */
  readonly daemons: {
    readonly find: () => Promise<Found>;
    readonly ask: (path: string, command: string, fields: Fields) => Promise<Asked>;
  };
}
