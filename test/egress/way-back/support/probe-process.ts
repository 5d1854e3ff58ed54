/** The probe in a namespace of a test's: `node probe-process.ts ANNOUNCE|- ADDRESS...`, with what it found as JSON. */
import { randomBytes } from 'node:crypto';
import { parseAddress } from '../../../../src/egress/address.js';
import { probeWayBack } from '../../../../src/egress/way-back/probe.js';

const [announce, ...texts] = process.argv.slice(2);
const addresses = texts.flatMap((text) => parseAddress(text) ?? []);
const ways = await probeWayBack({
  addresses,
  announce: announce === '-' ? undefined : announce,
  table: 'way-back',
  random: randomBytes,
});
console.log(JSON.stringify(ways.map(({ way }) => way)));
