import { existsSync } from 'node:fs';
import { parseJson } from '../../core/json.ts';
import type { Report } from '../../report/canary-report-schema.ts';
import { renderSummary } from '../../report/canary-summary.ts';
import { emptyReport } from '../../report/empty-report.ts';
import { renderPlot } from '../../report/plot.ts';
import type { Redact } from '../../runner/redact.ts';
import { besideReport, readLeft, writeJson, writePage, writeWhole } from '../../runner/results.ts';

/** Writes the report as JSON, completely or not at all. */
export async function writeReport(report: Report, path: string, redact: Redact): Promise<void> {
  await writeJson(report, path, redact);
}

/** Writes the plot beside the report, unless too little was measured. */
export async function writePlot(report: Report, path: string, redact: Redact): Promise<void> {
  const plot = renderPlot(report);
  if (plot !== undefined) await writeWhole(besideReport(path, '.svg'), redact(plot));
}

/** Writes plot and page beside the report. */
export async function writeBeside(
  report: Report,
  path: string,
  { redact, facts }: { readonly redact: Redact; readonly facts: { readonly server: string } },
): Promise<void> {
  await Promise.all([
    writePlot(report, path, redact),
    writePage(report, path, redact, async (json) => {
      // Loaded at the end, so that a rollout begins without it.
      const { canaryPage } = await import('../../report/page/canary-page.ts');
      const { reportSchema } = await loadSchema();
      return canaryPage(reportSchema.parse(json), facts.server);
    }),
  ]);
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
  if (!existsSync(path)) return emptyReport;
  const { reportSchema } = await loadSchema();
  return readLeft(path, (json) => reportSchema.parse(parseJson(json)), emptyReport);
}

/** Only a report that is read again is checked, so that a rollout begins without the schema. */
function loadSchema() {
  return import('../../report/canary-report-schema.ts');
}
