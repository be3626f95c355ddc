import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setOutput, summary, warning } from '@actions/core';
import { messageOf } from '../canary/errors.ts';
import { renderPlot } from '../report/plot.ts';
import { emptyReport, type Report, reportSchema } from '../report/report.ts';
import { renderSummary } from '../report/summary.ts';
import type { RunnerFacts } from './github.ts';
import { type Redact, redactedJson } from './redact.ts';

/** Where the JSON report goes: the input, else a file of the runner's. */
export function reportPath(input: string | undefined, { workspace, temp, identity }: RunnerFacts): string {
  return input === undefined ? resolve(temp, `sluice-${identity}.json`) : resolve(workspace, input);
}

/** Writes the report as JSON, whole or not at all. */
export async function writeReport(report: Report, path: string, redact: Redact): Promise<void> {
  await writeJson(report, path, redact);
}

/** Writes any report as JSON, whole or not at all. */
export async function writeJson(report: unknown, path: string, redact: Redact): Promise<void> {
  await writeWhole(path, `${redactedJson(report, redact)}\n`);
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
  return readLeft(path, (json) => reportSchema.parse(JSON.parse(json)), emptyReport);
}

/** A report of any kind that another process of this run left; `empty` where there is none to be read. */
export async function readLeft<T>(path: string, parse: (json: string) => T, empty: T): Promise<T> {
  try {
    return parse(await readFile(path, 'utf8'));
  } catch {
    // Whatever it was, the end of a run must not depend on it.
    return empty;
  }
}

/** What is left of a run: its outputs, its JSON report at `path`, and its part of the job's summary. */
export interface Results {
  readonly outputs: Readonly<Record<string, string>>;
  readonly report: unknown;
  readonly path: string;
  readonly summary: string;
}

/** Hands the results to the runner, without the secrets in them. */
export async function publishResults(results: Results, redact: Redact): Promise<void> {
  for (const [name, value] of Object.entries(results.outputs)) setOutput(name, redact(value));
  // A disk that is full must not cost the verdict.
  const written = await Promise.allSettled([
    writeJson(results.report, results.path, redact),
    summary.addRaw(redact(results.summary)).write(),
  ]);
  for (const result of written) {
    if (result.status === 'rejected') warning(`The report could not be written: ${messageOf(result.reason)}`);
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}
