// Imports point downwards only: the entry points see everything, the wire codecs see nothing of ours.
'use strict';

/** What each room of src/ may import, besides itself and its types. */
const mayImport = {
  log: [],
  sys: [],
  netlink: ['sys'],
  auth: ['sys'],
  core: ['auth'],
  egress: ['netlink', 'log'],
  control: ['sys'],
  config: ['auth', 'core', 'egress', 'log'],
  dataplane: ['core', 'auth', 'netlink', 'sys', 'log'],
  daemon: ['config', 'control', 'core', 'egress', 'auth', 'dataplane', 'netlink', 'sys', 'log'],
  doctor: ['config', 'core', 'egress', 'auth', 'daemon', 'dataplane', 'netlink', 'sys', 'log'],
  cli: ['doctor', 'config', 'control', 'core', 'egress', 'auth', 'daemon', 'dataplane', 'netlink', 'sys', 'log'],
};

const rooms = Object.keys(mayImport);

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: {
        orphan: true,
        pathNot: ['^src/cli/(main|launch)\\.ts$', '^src/dataplane/userspace/worker-main\\.ts$', '\\.d\\.ts$'],
      },
      to: {},
    },
    { name: 'no-dev-dependency', severity: 'error', from: { path: '^src' }, to: { dependencyTypes: ['npm-dev'] } },
    {
      name: 'no-room-without-a-rule',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/(${rooms.join('|')})/` },
      to: {},
    },
    {
      name: 'the-interface-knows-no-implementation',
      severity: 'error',
      from: { path: '^src/dataplane/index\\.ts$' },
      to: { path: '^src/(?!core/)' },
    },
    ...Object.entries(mayImport).flatMap(([room, allowed]) => {
      const forbidden = rooms.filter((other) => other !== room && !allowed.includes(other));
      return forbidden.length === 0
        ? []
        : {
            name: `${room}-looks-down`,
            severity: 'error',
            from: { path: `^src/${room}/` },
            to: { path: `^src/(${forbidden.join('|')})/` },
          };
    }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    exclude: { path: '^dist' },
  },
};
