import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setOutput, summary, warning } from '@actions/core';
import { messageOf } from '../core/errors.ts';
import { outputValue } from './outputs.ts';
import { type Redact, redactedJson } from './redact.ts';

/** What is left of a run: its outputs, its JSON report at `path`, and its part of the job's summary. */
export interface Results {
  readonly outputs: Readonly<Record<string, string>>;
  readonly report: unknown;
  readonly path: string;
  readonly summary: string;
}

/** Hands the results to the runner, without the secrets in them. */
export async function publishResults(results: Results, redact: Redact): Promise<void> {
  for (const [name, value] of Object.entries(results.outputs)) setOutput(name, outputValue(name, redact(value)));
  // A disk that is full must not cost the verdict.
  const written = await Promise.allSettled([
    writeJson(results.report, results.path, redact),
    summary.addRaw(redact(results.summary)).write(),
  ]);
  for (const result of written) {
    if (result.status === 'rejected') warning(`The report could not be written: ${messageOf(result.reason)}`);
  }
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

export async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}
