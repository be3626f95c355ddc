import { glob, readFile } from 'node:fs/promises';
import {
  error as annotateError,
  endGroup,
  getState,
  info,
  notice,
  saveState,
  setFailed,
  setOutput,
  setSecret,
  startGroup,
  summary,
  warning,
} from '@actions/core';
import { dryRun } from '../canary/dry-run.ts';
import { isSluiceError, messageOf } from '../canary/errors.ts';
import type { RolloutEvent } from '../canary/events.ts';
import type { Verdict } from '../canary/ports.ts';
import { recover } from '../canary/recover.ts';
import { rollout } from '../canary/rollout.ts';
import { warn } from '../canary/session.ts';
import { type Report, withEvent } from '../report/report.ts';
import { createAnnotations } from './annotations.ts';
import { assemble, assembleLeft } from './assemble.ts';
import { listenForCancellation } from './cancellation.ts';
import { systemClock } from './clock.ts';
import { type RunnerFacts, runnerFacts } from './github.ts';
import { type LoadedInputs, loadInputs } from './load-inputs.ts';
import { createLog } from './log.ts';
import { outputsOf, setOutputs } from './outputs.ts';
import { readReport, reportPath, writePlot, writeReport, writeSummary } from './publish.ts';
import { createRedact, type Redact } from './redact.ts';
import { startWarnings } from './settings.ts';
import { loadRunState, saveRunState } from './state.ts';

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
  const fails = (verdict: Verdict) => inputs['fail-on'].some((failing) => failing === verdict);
  const audience = await gather(facts, redact, path, fails);
  const state = { id: facts.identity, report: path };

  const lifetime = new AbortController();
  let over = false;
  try {
    const assembly = { loaded, facts, env, clock: systemClock, emit: audience.emit, lifetime: lifetime.signal };
    const { world, options, close } = await assemble(assembly, cancellation.cancelled);
    // Not before: what was refused while nothing could be written leaves nothing to `post`, which would refuse it again.
    saveRunState({ saveState }, { ...state, over: false }, redact);
    for (const message of startWarnings(inputs, loaded.plan)) warn(world, message);
    try {
      if (inputs['dry-run']) {
        await dryRun(world, options, cancellation.cancelled);
      } else {
        const { verdict } = await rollout(world, options, cancellation.cancelled);
        if (fails(verdict)) process.exitCode = 1;
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
  const lifetime = new AbortController();
  try {
    const assembly = { loaded, facts, env, clock: systemClock, emit: audience.emit, lifetime: lifetime.signal };
    const assembled = await assembleLeft(assembly, state.id, lifetime.signal);
    if (!assembled) return;
    const { world, options, close } = assembled;
    try {
      const concluded = await recover(world, { ...options, id: state.id }, lifetime.signal);
      if (concluded) await audience.publish();
    } finally {
      await close();
    }
  } catch (error) {
    audience.emit(failure(error, audience.unchanged()));
    process.exitCode = 1;
    await audience.publish();
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
async function gather(facts: RunnerFacts, redact: Redact, path: string, fails: (verdict: Verdict) => boolean) {
  const log = createLog({ info: (line) => info(redact(line)), startGroup, endGroup }, { colour: facts.colour });
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

function failure(error: unknown, unchanged: boolean): RolloutEvent {
  const common = { type: 'failed' as const, at: systemClock.now(), unchanged };
  if (isSluiceError(error)) {
    const { code, about, problem, next } = error;
    return { ...common, code, about, problem, next };
  }
  const problem = `stopped by an unexpected error: ${messageOf(error)}.`;
  const next = 'Please report it with this log; the route is as the last line above says.';
  return { ...common, code: 'unexpected', about: 'Sluice', problem, next };
}
