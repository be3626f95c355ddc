import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { messageOf } from '../core/errors.ts';
import { parseJson, stringifyJson } from '../core/json.ts';
import { singleLine } from '../core/text.ts';
import type { Results } from './define.ts';
import type { RunnerFacts } from './github.ts';
import { annotationText } from './log-text.ts';
import { setOutputs } from './outputs.ts';
import { type Redact, redactedJson } from './redact.ts';
import type { RunnerVoice } from './runner-log.ts';

/** Where the JSON report goes: the path from the input, else a temporary file of the runner. */
export function reportPath(input: string | undefined, { workspace, temp, identity }: RunnerFacts): string {
  return input === undefined ? resolve(temp, `sluice-${identity}.json`) : resolve(workspace, input);
}

/** Hands the results to the runner, with the secrets removed. */
export async function publishResults(results: Results<string>, redact: Redact, voice: RunnerVoice): Promise<void> {
  setOutputs(voice.setOutput, results.outputs, redact);
  // A full disk must not lose the verdict.
  const written = await Promise.allSettled([
    writeJson(results.report, results.path, redact),
    results.beside?.(),
    voice.summarize(redact(results.summary)),
  ]);
  for (const result of written) {
    if (result.status === 'rejected')
      voice.annotate.warning(annotationText(redact(`The report could not be written: ${messageOf(result.reason)}`)));
  }
}

/** Path of a file beside the report, with another ending: `sluice.json` → `sluice.svg`. */
export function besideReport(path: string, ending: string): string {
  return path.replace(/(\.json)?$/, ending);
}

/** Path of the HTML page of the report at `path`. */
export function pagePath(path: string): string {
  return besideReport(path, '.html');
}

/** Writes the page of a report beside it. `draw` gets the report as JSON, without secrets. */
export async function writePage(
  report: unknown,
  path: string,
  redact: Redact,
  draw: (report: unknown) => Promise<string>,
): Promise<void> {
  await writeWhole(pagePath(path), await draw(withoutSecrets(report, redact)));
}

/**
 * Redacts each text by itself, as a secret such as `section` would break the markup. Also as a page shows it: a secret may be
 * hidden by characters that are not seen.
 */
function withoutSecrets(report: unknown, redact: Redact): unknown {
  const hide = (text: string) => redact(redact(text).split('\n').map(singleLine).join('\n'));
  return parseJson(stringifyJson(report, (_, part) => (typeof part === 'string' ? hide(part) : part)));
}

/** The report that another process of this run has written; `empty` where none can be read. */
export async function readLeft<T>(path: string, parse: (json: string) => T, empty: T): Promise<T> {
  try {
    return parse(await readFile(path, 'utf8'));
  } catch {
    // The end of a run must not depend on the report, whatever the error was.
    return empty;
  }
}

/** Writes a report as JSON, completely or not at all. */
export async function writeJson(report: unknown, path: string, redact: Redact): Promise<void> {
  await writeWhole(path, `${redactedJson(report, redact)}\n`);
}

/** Writes a file completely or not at all. A symbolic link in its place is replaced, not followed. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const unfinished = `${path}.new`;
  await mkdir(dirname(path), { recursive: true });
  // A killed process may have left this file.
  await rm(unfinished, { force: true });
  await writeFile(unfinished, text, { flag: 'wx' });
  await rename(unfinished, path);
}
