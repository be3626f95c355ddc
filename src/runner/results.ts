import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setOutput, summary, warning } from '@actions/core';
import { messageOf } from '../core/errors.ts';
import type { Results } from './define.ts';
import type { RunnerFacts } from './github.ts';
import { annotationText } from './log-text.ts';
import { setOutputs } from './outputs.ts';
import { type Redact, redactedJson } from './redact.ts';

/** Where the JSON report goes: the input, else a file of the runner's. */
export function reportPath(input: string | undefined, { workspace, temp, identity }: RunnerFacts): string {
  return input === undefined ? resolve(temp, `sluice-${identity}.json`) : resolve(workspace, input);
}

/** Hands the results to the runner, without the secrets in them. */
export async function publishResults(results: Results<string>, redact: Redact): Promise<void> {
  setOutputs(setOutput, results.outputs, redact);
  // A disk that is full must not cost the verdict.
  const written = await Promise.allSettled([
    writeJson(results.report, results.path, redact),
    results.beside?.(),
    writeSummary(results.summary, summary, redact),
  ]);
  for (const result of written) {
    if (result.status === 'rejected')
      warning(annotationText(redact(`The report could not be written: ${messageOf(result.reason)}`)));
  }
}

/** Adds Markdown to the summary of the job. */
export async function writeSummary(
  markdown: string,
  target: { addRaw(text: string): { write(): Promise<unknown> } },
  redact: Redact,
): Promise<void> {
  await target.addRaw(redact(markdown)).write();
}

/** The report that another process of this run left; `empty` where there is none to be read. */
export async function readLeft<T>(path: string, parse: (json: string) => T, empty: T): Promise<T> {
  try {
    return parse(await readFile(path, 'utf8'));
  } catch {
    // Whatever it was, the end of a run must not depend on it.
    return empty;
  }
}

/** Writes a report as JSON, whole or not at all. */
export async function writeJson(report: unknown, path: string, redact: Redact): Promise<void> {
  await writeWhole(path, `${redactedJson(report, redact)}\n`);
}

/** Writes a file, whole or not at all. A link that somebody has put in its place is not followed, but replaced. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const unfinished = `${path}.new`;
  await mkdir(dirname(path), { recursive: true });
  // A process that was killed may have left one.
  await rm(unfinished, { force: true });
  await writeFile(unfinished, text, { flag: 'wx' });
  await rename(unfinished, path);
}
