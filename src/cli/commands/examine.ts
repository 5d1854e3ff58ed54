import type { ProbeRequest, Report } from '../../doctor/index.js';

/** The doctor's examination, loaded only when it runs, as the daemons are. */
export async function examine(request: ProbeRequest): Promise<Report> {
  const { runDoctor } = await import('../../doctor/index.js');
  return runDoctor(request);
}
