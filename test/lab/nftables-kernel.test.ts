/** What holds for nf_tables on the machine the tests run on must hold on the kernels that are deployed. */
import '../netlink/nftables/kernel-client.test.js';
import '../netlink/nftables/kernel-events.test.js';
import '../netlink/nftables/kernel-ruleset.test.js';
