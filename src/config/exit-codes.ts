/**
 * Exit codes by name; the numbers are those of the Python tool, on which scripts and units rely, and 60 and 61 are ours. Its 100 and 101 (a
 * client authenticated, but the tunnel could not be set) are not among them: that is logged, and tried again with the
 * client's next packet.
 */
export const EXIT_CODES = {
  ok: { code: 0, meaning: 'success' },
  generic: {
    code: 1,
    meaning: 'a right that the process lacks, or an unexpected error',
  },
  arguments: { code: 2, meaning: 'a mistake in options, configuration file or keys' },
  modprobe: { code: 10, meaning: 'a kernel module is missing and could not be loaded' },
  nfq: { code: 20, meaning: 'the netfilter queue could not be used' },
  nftables: { code: 40, meaning: 'the nftables rules could not be set' },
  address: { code: 51, meaning: 'an address could not be found or set' },
  link: { code: 52, meaning: 'the tunnel device could not be set up' },
  listener: { code: 53, meaning: "the tunnel's UDP port could not be taken" },
  unfit: { code: 60, meaning: 'doctor: the data plane cannot run on this host, or that could not be proven' },
  control: { code: 61, meaning: 'egress: no running daemon could be asked, or it refused' },
  sendAuth: { code: 120, meaning: 'the auth packet could not be sent' },
  cleanup: { code: 200, meaning: 'stopped as asked, but something could not be removed' },
} as const satisfies Record<string, { readonly code: number; readonly meaning: string }>;

export type ExitName = keyof typeof EXIT_CODES;
export type ExitCode = (typeof EXIT_CODES)[ExitName]['code'];
