/** What a failed run of `scripts/ci.ts` says at its end, where it is seen although only the end of a log is kept. */
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import * as z from 'zod';

/** What failed, and the lines that say why. */
export interface Failure {
  readonly what: string;
  readonly why: readonly string[];
}

/** How a program ended, as the part of CI that ran it saw it. */
export interface Ended {
  /** The exit status, or why there is none. */
  readonly status: number | string;
  /** The end of what it printed. */
  readonly output: string;
}

/** What is read of the report of vitest's `json` reporter. */
export const vitestReport = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  testResults: z.array(
    z.object({
      /** The path of the file. */
      name: z.string(),
      status: z.string(),
      startTime: z.number(),
      endTime: z.number(),
      /** Why the file as a whole failed. */
      message: z.string().default(''),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).nullish() }),
      ),
    }),
  ),
});
type VitestReport = z.infer<typeof vitestReport>;

/** Lines of output that are repeated of a part that failed. */
const OUTPUT_LINES = 60;
/** Lines of the first failures and of those after them: a run in which all fails has to be readable as well. */
const ERROR_LINES = 10;
const EXPLAINED = 20;

/** The end of what a part printed, as plain text. */
export function lastOutput(output: string, count = OUTPUT_LINES): string[] {
  return stripVTControlCharacters(output).trimEnd().split('\n').slice(-count);
}

/** A part that is one program, which failed. */
export function failedPart(name: string, { status, output }: Ended): Failure {
  return { what: `${name} (${explainStatus(status)})`, why: lastOutput(output) };
}

/** The failures of a test command: each test, each file that failed as a whole, and what failed outside any test. */
export function failuresOf(command: string, report: VitestReport, ended: Ended, root: string): Failure[] {
  const inFiles = report.testResults.flatMap((file) => {
    const path = relative(root, file.name);
    const failed = file.assertionResults.filter(({ status }) => status === 'failed');
    if (failed.length === 0)
      return file.status === 'failed' ? [{ what: path, why: shortenError(file.message || 'The file failed.') }] : [];
    return failed.map(({ fullName, failureMessages }) => ({
      what: `${path}: ${fullName}`,
      why: shortenError((failureMessages ?? []).join('\n')),
    }));
  });
  const nothingRan = report.numPassedTests === 0;
  const outside = ended.status !== 0 && inFiles.length === 0;
  // Vitest's report has no place for errors outside any test: they are in its output alone.
  const unhandled = /Unhandled (Errors?|Rejection)/.test(stripVTControlCharacters(ended.output));
  if (!nothingRan && !outside && !unhandled) return inFiles;
  const which = inFiles.length === 0 ? ' although no test failed' : '';
  const why = nothingRan ? 'no test passed' : `${explainStatus(ended.status)}${which}`;
  return [...inFiles, { what: `${command} (${why})`, why: lastOutput(ended.output) }];
}

function explainStatus(status: Ended['status']): string {
  return typeof status === 'number' ? `it ended with status ${status}` : status;
}

/**
 * The lines of an error that tell most: its message, and the first place of ours in the stack. An assertion's message may begin with a
 * whole log, and then says at its end what was expected.
 */
export function shortenError(error: string): string[] {
  const lines = stripVTControlCharacters(error).trimEnd().split('\n');
  const stack = lines.findIndex((line) => /^\s+at /.test(line));
  const message = stack < 0 ? lines : lines.slice(0, stack);
  const place = lines
    .slice(message.length)
    .filter((line) => /^\s+at /.test(line) && !line.includes('node_modules'))
    .slice(0, 1);
  const room = ERROR_LINES - place.length;
  if (message.length <= room) return [...message, ...place];
  const last = room - 4;
  const left = message.length - 3 - last;
  return [...message.slice(0, 3), `… ${left} lines …`, ...message.slice(-last), ...place];
}

/** The lines that name every failure, the first ones with the reason; none where nothing failed. */
export function describeFailures(failures: readonly Failure[]): string[] {
  if (failures.length === 0) return [];
  const lines = failures.flatMap(({ what, why }, index) => {
    const shown = index < EXPLAINED ? why.map((line) => `      ${line}`) : [];
    return [`  ✗ ${what}`, ...shown];
  });
  return ['Failed:', ...lines];
}
