import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { SluiceError } from '../../core/errors.ts';
import type { DrillEvent, DrillOutcome, FaultOutcome } from '../../drills/events.ts';
import { compareHistory } from '../../drills/measure/compare-history.ts';
import { appendToHistory, type PastRun, readHistory, runsOfDrill } from '../../drills/measure/history.ts';

export interface History {
  readonly path: string;
  readonly runs: readonly PastRun[];
  /** Entries that can not be read. */
  readonly unread: number;
}

/**
 * The results of earlier runs; none, if the file does not exist yet.
 *
 * @throws SluiceError `invalid-input` for a file that is no history: it is not overwritten
 */
export async function loadHistory(given: string, workspace: string): Promise<History> {
  const path = resolve(workspace, given);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw notReadable(given, `can not be read: ${error.code ?? 'it fails'}`);
  });
  if (text === undefined || text.trim() === '') return { path, runs: [], unread: 0 };
  const read = readHistory(text);
  if (!read) throw notReadable(given, 'is no history of drills');
  return { path, ...read };
}

function notReadable(path: string, problem: string): SluiceError {
  return new SluiceError('invalid-input', {
    about: `input "history": ${path}`,
    problem: `${problem}.`,
    next: 'Name another file, or delete this one.',
  });
}

/** Compares a drill with the earlier ones, and adds it to them. A dry run and a drill that injected nothing are not kept. */
export async function keepHistory(
  { path, runs }: History,
  { service, outcome }: { readonly service: string; readonly outcome: DrillOutcome },
  at: number,
): Promise<Extract<DrillEvent, { type: 'compared' }> | undefined> {
  const now = outcome.faults
    .filter(({ effect }) => effect.felt === 'felt')
    .map((fault) => pastRun(fault, service, outcome));
  if (now.length === 0) return undefined;
  const changes = now.flatMap((run) => compareHistory(runs, run).map((change) => ({ fault: run.fault, ...change })));
  const earlier = Math.max(...now.map((run) => runsOfDrill(runs, run).length));
  let text = '';
  let all = runs;
  for (const run of now) {
    text = appendToHistory(all, run);
    all = readHistory(text)?.runs ?? all;
  }
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return { type: 'compared', at, earlier, changes, history: path };
}

function pastRun(
  { fault, injectedAt, measured }: FaultOutcome,
  service: string,
  { verdict, score }: DrillOutcome,
): PastRun {
  return {
    at: injectedAt,
    service,
    fault: fault.text,
    ...(verdict && { verdict }),
    ...(score !== undefined && { score }),
    ...(measured && {
      lostShare: measured.lost / measured.requests,
      lowestSuccess: measured.lowestSuccess,
      ...(measured.recovery && { recovery: measured.recovery.fromRemoval }),
      ...(measured.latency.during && { p95: measured.latency.during.p95 }),
    }),
  };
}
