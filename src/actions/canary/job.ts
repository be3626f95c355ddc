import { glob, readFile } from 'node:fs/promises';
import {
  error as annotateError,
  getState,
  info,
  notice,
  saveState,
  setFailed,
  setOutput,
  setSecret,
  summary,
  warning,
} from '@actions/core';
import { dryRun } from '../../canary/dry-run.ts';
import type { RolloutEvent } from '../../canary/events.ts';
import { recover } from '../../canary/recover.ts';
import { rollout } from '../../canary/rollout.ts';
import { warn } from '../../canary/session.ts';
import { undoLeft } from '../../canary/undo-left.ts';
import { systemClock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { type Report, withEvent } from '../../report/report.ts';
import { listenForCancellation } from '../../runner/cancellation.ts';
import { failureOf } from '../../runner/failure.ts';
import { type RunnerFacts, runnerFacts } from '../../runner/github.ts';
import { setOutputs } from '../../runner/outputs.ts';
import { createRedact, type Redact } from '../../runner/redact.ts';
import { reportPath } from '../../runner/results.ts';
import { runnerLog } from '../../runner/runner-log.ts';
import { loadRunState, saveRunState } from '../../runner/state.ts';
import { createAnnotations, type Fails } from './annotations.ts';
import { type Assembled, type Assembly, assemble, assembleLeft, assembleUnfinished } from './assemble.ts';
import { releaseFirst } from './first-release.ts';
import { type LoadedInputs, loadInputs } from './load-inputs.ts';
import { createLog } from './log.ts';
import { outputsOf } from './outputs.ts';
import { readReport, writePlot, writeReport, writeSummary } from './publish.ts';
import { startWarnings } from './settings.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The `main` step of `actions/canary`: from the inputs to the verdict. Sets the exit status of the process. */
export async function canaryMain(env: Environment): Promise<void> {
  using cancellation = listenForCancellation(process);
  const facts = runnerFacts(env);
  const loaded = await load(env);
  if (!loaded) return;
  const { inputs } = loaded;
  const redact = createRedact(loaded.secrets);
  const path = reportPath(inputs.report, facts);
  // An undo that was asked for is what was wanted, and so is a rollout that is held for the next deploy.
  const fails: Fails = (verdict, passed) =>
    !passed && inputs.mode !== 'undo' && inputs['fail-on'].some((failing) => failing === verdict);
  const audience = await gather(facts, redact, path, fails);
  if (inputs.mode === 'undo') {
    await undoUnfinished({ loaded, facts, env, audience }, cancellation.cancelled);
    return;
  }
  const state = { id: facts.identity, report: path };

  const lifetime = new AbortController();
  let over = false;
  try {
    const assembly = { loaded, facts, env, clock: systemClock, emit: audience.emit, lifetime: lifetime.signal };
    const { world, options, first, cluster, close } = await assemble(assembly, cancellation.cancelled);
    // Not before: what was refused while nothing could be written leaves nothing to `post`, which would refuse it again.
    saveRunState({ saveState }, { ...state, over: false }, redact);
    for (const message of startWarnings(inputs, loaded.plan)) warn(world, message);
    try {
      if (first) {
        const place = { cluster, inputs, clock: systemClock, emit: audience.emit };
        await releaseFirst(first, place, { world, options }, cancellation.cancelled);
      } else if (inputs['dry-run']) {
        await dryRun(world, options, cancellation.cancelled);
      } else {
        const { verdict, passed, left } = await rollout(world, options, cancellation.cancelled);
        // Whatever "fail-on" says: a version that is still there is no ending that somebody wanted.
        if (fails(verdict, passed) || left) process.exitCode = 1;
      }
    } finally {
      await close();
    }
    over = true;
  } catch (error) {
    audience.emit(failure(error, audience.unchanged()));
    process.exitCode = 1;
  } finally {
    lifetime.abort();
    await audience.publish();
  }
  // Not before: a verdict that nobody was told is left to `post`.
  if (over) saveRunState({ saveState }, { ...state, over }, redact);
}

/** The `post` step: concludes what `main` was stopped in, whatever stopped it. */
export async function canaryPost(env: Environment): Promise<void> {
  const state = loadRunState({ getState });
  if (!state || state.over) return;
  const facts = runnerFacts(env);
  const loaded = await load(env);
  if (!loaded || loaded.inputs['dry-run']) return;
  const redact = createRedact(loaded.secrets);
  const audience = await gather(facts, redact, state.report, () => true);
  const concluded = await concludeLeft(
    { loaded, facts, env, audience },
    (assembly) => assembleLeft(assembly, state.id, assembly.lifetime),
    ({ world, options }, signal) => recover(world, { ...options, id: state.id }, signal),
  );
  if (concluded?.left) process.exitCode = 1;
}

/** `mode: undo`. It has no use for `post`: what a stopped undo has left is undone by the next one. */
async function undoUnfinished(job: Job, signal: AbortSignal): Promise<void> {
  const cleared = await concludeLeft(
    job,
    (assembly) => assembleUnfinished(assembly, signal),
    ({ world, options }) => undoLeft(world, options, signal),
  );
  if (cleared?.verdict === 'frozen' || cleared?.left) process.exitCode = 1;
  if (cleared || process.exitCode === 1) return;
  info('No rollout of this route is unfinished: nothing was changed.');
  setOutput('reason', 'no rollout of this route was unfinished');
  if (!job.audience.first()) return;
  setOutput('first-release', 'true');
  if (job.loaded.inputs['first-release'] === 'refuse')
    setFailed('Nothing serves yet, so a new version has nothing to be compared with; "first-release: refuse" is set.');
}

/** What a process of the action works with. */
interface Job extends Pick<Assembly, 'loaded' | 'facts' | 'env'> {
  readonly audience: Awaited<ReturnType<typeof gather>>;
}

/** Concludes a rollout that another process has begun, and tells how it ended; where nothing is left, nothing is told. */
async function concludeLeft<T>(
  { audience, ...rest }: Job,
  assembleIt: (assembly: Assembly) => Promise<Assembled | undefined>,
  conclude: (assembled: Assembled, signal: AbortSignal) => Promise<T | undefined>,
): Promise<T | undefined> {
  const lifetime = new AbortController();
  try {
    const assembly = { ...rest, clock: systemClock, emit: audience.emit, lifetime: lifetime.signal };
    const assembled = await assembleIt(assembly);
    if (!assembled) return undefined;
    try {
      const concluded = await conclude(assembled, lifetime.signal);
      if (concluded) await audience.publish();
      return concluded;
    } finally {
      await assembled.close();
    }
  } catch (error) {
    audience.emit(failure(error, audience.unchanged()));
    process.exitCode = 1;
    await audience.publish();
    return undefined;
  } finally {
    lifetime.abort();
  }
}

async function load(env: Environment): Promise<LoadedInputs | undefined> {
  try {
    return await loadInputs({
      env,
      readFile: (path) => readFile(path, 'utf8'),
      glob: (pattern) => Array.fromAsync(glob(pattern)),
      mask: setSecret,
    });
  } catch (error) {
    setFailed(messageOf(error));
    return undefined;
  }
}

/** The events of a run that has not begun to change anything: what an earlier one left may be cleared up before a step. */
const looks: ReadonlySet<RolloutEvent['type']> = new Set(['started', 'preflight', 'planned', 'warning']);

/** Everybody who is told of the rollout: the log, the annotations, and the report that outputs and summary are made of. */
async function gather(facts: RunnerFacts, redact: Redact, path: string, fails: Fails) {
  const log = createLog(runnerLog(redact), { colour: facts.colour });
  const annotate = createAnnotations(
    {
      notice: (message, properties) => notice(redact(message), properties),
      warning: (message, properties) => warning(redact(message), properties),
      error: (message, properties) => annotateError(redact(message), properties),
    },
    fails,
  );
  let report: Report = await readReport(path);
  let writing = Promise.resolve();
  let unchanged = report.steps.length === 0;
  return {
    /** So far the cluster was only looked at. */
    unchanged: () => unchanged,
    first: () => report.first !== undefined,
    emit(event: RolloutEvent) {
      report = withEvent(report, event);
      unchanged &&= looks.has(event.type);
      log(event);
      annotate(event);
      // A process that is killed leaves what it has seen to the post step.
      if (event.type === 'shifted')
        writing = writing.then(() => writeReport(report, path, redact)).catch(() => undefined);
    },
    async publish() {
      await writing;
      setOutputs(setOutput, outputsOf(report, path), redact);
      // A disk that is full must not cost the verdict.
      const written = await Promise.allSettled([
        writeReport(report, path, redact),
        writePlot(report, path, redact),
        writeSummary(report, summary, redact),
      ]);
      for (const result of written) {
        if (result.status === 'rejected') warning(`The report could not be written: ${messageOf(result.reason)}`);
      }
    },
  };
}

const REPORT_IT = 'Please report it with this log; the route is as the last line above says.';

function failure(error: unknown, unchanged: boolean): RolloutEvent {
  return { type: 'failed', at: systemClock.now(), unchanged, ...failureOf(error, REPORT_IT) };
}
