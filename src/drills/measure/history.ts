import * as z from 'zod';
import { stringifyJson, tryParseJson, tryShape } from '../../core/json.ts';

/** The most runs that a history keeps, and the longest text of one that is read, in characters. */
const MOST_RUNS = 200;
const LONGEST = 1_000_000;

const text = z.string().min(1).max(500);
const share = z.number().min(0).max(1);
const milliseconds = z.number().min(0).max(1e15);

const pastRun = z.object({
  /** When the fault was injected, in milliseconds since the Unix epoch. */
  at: milliseconds,
  service: text,
  /** The fault in its short form. With the service, it says which drill this is a run of. */
  fault: text,
  verdict: z.string().max(40).optional(),
  score: z.number().min(0).max(100).optional(),
  /** Milliseconds from the removal of the fault. A figure is left out where it was not measured. */
  recovery: milliseconds.optional(),
  lostShare: share.optional(),
  lowestSuccess: share.optional(),
  /** Milliseconds, during the fault. */
  p95: milliseconds.optional(),
});

/** One fault of an earlier drill. */
export type PastRun = Readonly<z.infer<typeof pastRun>>;

const historyFile = z.object({ schema: z.literal(1), runs: z.array(z.unknown()).max(10 * MOST_RUNS) });

/**
 * Reads a history: `{"schema": 1, "runs": […]}`, from an artifact or a branch, which anybody may have written.
 *
 * @returns the runs that can be read, in the order of time, and how many can't; undefined where the text is no history
 */
export function readHistory(given: string): { readonly runs: readonly PastRun[]; readonly unread: number } | undefined {
  if (given.length > LONGEST) return undefined;
  const file = tryShape(historyFile, tryParseJson(given));
  if (file === undefined) return undefined;
  const runs = file.runs.flatMap((run) => tryShape(pastRun, run) ?? []);
  return { runs: inOrder(runs), unread: file.runs.length - runs.length };
}

/** The text of a history with this run, without the oldest ones past 200. A run that is in it already is replaced. */
export function appendToHistory(earlier: readonly PastRun[], now: PastRun): string {
  const others = earlier.filter((run) => run.at !== now.at || !isSameDrill(run, now));
  return `${stringifyJson({ schema: 1, runs: inOrder([...others, now]) }, undefined, 1)}\n`;
}

/** The earlier runs of the same drill: the same fault on the same service. */
export function runsOfDrill(earlier: readonly PastRun[], now: PastRun): readonly PastRun[] {
  return inOrder(earlier).filter((run) => run.at < now.at && isSameDrill(run, now));
}

function isSameDrill(a: PastRun, b: PastRun): boolean {
  return a.service === b.service && a.fault === b.fault;
}

function inOrder(runs: readonly PastRun[]): PastRun[] {
  return runs.toSorted((a, b) => a.at - b.at).slice(-MOST_RUNS);
}
