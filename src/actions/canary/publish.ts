import { parseJson } from '../../core/json.ts';
import { emptyReport, type Report, reportSchema } from '../../report/canary-report-schema.ts';
import { renderSummary } from '../../report/canary-summary.ts';
import { renderPlot } from '../../report/plot.ts';
import type { Redact } from '../../runner/redact.ts';
import { readLeft, writeJson, writeWhole } from '../../runner/results.ts';

/** Writes the report as JSON, completely or not at all. */
export async function writeReport(report: Report, path: string, redact: Redact): Promise<void> {
  await writeJson(report, path, redact);
}

/** Writes the plot beside the report, unless too little was measured. */
export async function writePlot(report: Report, path: string, redact: Redact): Promise<void> {
  const plot = renderPlot(report);
  if (plot !== undefined) await writeWhole(path.replace(/(\.json)?$/, '.svg'), redact(plot));
}

/** Adds this summary to the summary of the job. */
export async function writeSummary(
  report: Report,
  summary: { addRaw(text: string): { write(): Promise<unknown> } },
  redact: Redact,
): Promise<void> {
  await summary.addRaw(redact(renderSummary(report))).write();
}

/** The report that another process of this run has written; an empty one where none can be read. */
export async function readReport(path: string): Promise<Report> {
  return readLeft(path, (json) => reportSchema.parse(parseJson(json)), emptyReport);
}
