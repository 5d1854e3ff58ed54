/**
 * `ipipou-ts doctor`: what this host has for a tunnel, tried where it can be tried, and what each lack means.
 *
 *     const report = await runDoctor({ resolution, given: true, log });
 *     process.stdout.write(renderTable(report, { colour: false }));   // report/table.js, or renderJson of report/json.js
 *
 * Probes find out (`probe/`), checks judge (`checks/`); between them stand plain facts.
 */
import { judge, type Report } from './judge.js';
import { probe, type ProbeRequest } from './probe/index.js';

export type { Finding, Section, Status } from './finding.js';
export type { Report } from './judge.js';
export type { ProbeRequest } from './probe/index.js';

export async function runDoctor(request: ProbeRequest): Promise<Report> {
  return judge(await probe(request), request.resolution.tunnel.dataPlane);
}
