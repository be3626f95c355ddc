import { parseJson } from '../../core/json.ts';
import { emptyReport, type Report, reportSchema } from '../../report/canary-report-schema.ts';
import { renderSummary } from '../../report/canary-summary.ts';
import { renderPlot } from '../../report/plot.ts';
import type { Redact } from '../../runner/redact.ts';
import { readLeft, writeJson, writeWhole } from '../../runner/results.ts';

/** Writes the report as JSON, whole or not at all. */
export async function writeReport(report: Report, path: string, redact: Redact): Promise<void> {
  await writeJson(report, path, redact);
}

/** Writes the plot beside the report; nothing where too little was measured. */
export async function writePlot(report: Report, path: string, redact: Redact): Promise<void> {
  const plot = renderPlot(report);
  if (plot !== undefined) await writeWhole(path.replace(/(\.json)?$/, '.svg'), redact(plot));
}

/** Adds the summary to the job's. */
export async function writeSummary(
  report: Report,
  summary: { addRaw(text: string): { write(): Promise<unknown> } },
  redact: Redact,
): Promise<void> {
  await summary.addRaw(redact(renderSummary(report))).write();
}

/** The report that another process of this run left, an empty one where there is none to be read. */
export async function readReport(path: string): Promise<Report> {
  return readLeft(path, (json) => reportSchema.parse(parseJson(json)), emptyReport);
}
