import { error as annotateError, getState, notice, saveState, warning } from '@actions/core';
import { systemClock } from '../../core/clock.ts';
import { factsOf, type HelmOutcome } from '../../helm/change.ts';
import { conclude, deploy, rollBack } from '../../helm/deploy.ts';
import type { HelmEvent, HelmVerdict } from '../../helm/events.ts';
import type { HelmWorld } from '../../helm/ports.ts';
import { uninstall } from '../../helm/uninstall.ts';
import {
  emptyHelmReport,
  type HelmReport,
  parseHelmReport,
  renderHelmSummary,
  withHelmEvent,
} from '../../report/helm.ts';
import { listenForCancellation } from '../../runner/cancellation.ts';
import { failureOf } from '../../runner/failure.ts';
import { type RunnerFacts, runnerFacts } from '../../runner/github.ts';
import { itemsOf } from '../../runner/input-types.ts';
import { loadGiven } from '../../runner/load-given.ts';
import { type GivenInputs, parseInputs } from '../../runner/parse-inputs.ts';
import type { Redact } from '../../runner/redact.ts';
import { publishResults, readLeft, reportPath } from '../../runner/results.ts';
import { runnerLog } from '../../runner/runner-log.ts';
import { clusterSecrets, urlSecrets } from '../../runner/secrets.ts';
import { loadRunState, saveRunState } from '../../runner/state.ts';
import { type AssembledHelm, assembleHelm } from './assemble.ts';
import { type HelmInputs, helmContradictions, helmInputs, type helmOutputs } from './inputs.ts';
import { createHelmLog } from './log.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The `main` step of `actions/helm-deploy`. Sets the exit status of the process. */
export async function helmMain(env: Environment): Promise<void> {
  using cancellation = listenForCancellation(process);
  const { cancelled } = cancellation;
  const loaded = load(env);
  if (!loaded) return;
  const { inputs, redact } = loaded;
  const facts = runnerFacts(env);
  const path = reportPath(inputs.report, facts);
  const audience = gather(facts, redact, path, emptyHelmReport);
  const state = { id: facts.identity, report: path };
  let assembled: AssembledHelm | undefined;
  let left = false;
  audience.emit({
    type: 'started',
    at: systemClock.now(),
    mode: inputs.mode,
    release: inputs.release ?? '',
    by: facts.startedBy,
  });
  try {
    assembled = await assembleHelm({ inputs, facts, env, clock: systemClock, emit: audience.emit });
    const { world, request } = assembled;
    if (!request.dryRun) saveRunState({ saveState }, { ...state, over: false }, redact);
    const acts = {
      canary: () => deploy(world, request, cancelled),
      deploy: () => deploy(world, request, cancelled),
      rollback: () => rollBack(world, { ...request, revision: inputs.revision }, cancelled),
      uninstall: () => uninstall(world, { ...request, keepHistory: inputs['keep-history'] }, cancelled),
    };
    await audience.ended(await acts[inputs.mode](), world, request.dryRun ? 'dry-run' : inputs.mode);
  } catch (error) {
    left = cancelled.aborted;
    audience.failed(error);
    process.exitCode = 1;
  } finally {
    await assembled?.close();
    await audience.publish();
  }
  // Not before: what nobody was told is left to `post`.
  if (!left) saveRunState({ saveState }, { ...state, over: true }, redact);
}

/** The `post` step: concludes what `main` was stopped in, whatever stopped it. */
export async function helmPost(env: Environment): Promise<void> {
  const state = loadRunState({ getState });
  if (!state || state.over) return;
  const loaded = load(env);
  if (!loaded) return;
  const facts = runnerFacts(env);
  const before = await readLeft(state.report, parseHelmReport, emptyHelmReport);
  const audience = gather(facts, loaded.redact, state.report, before);
  const assembled = await assembleHelm({ inputs: loaded.inputs, facts, env, clock: systemClock, emit: audience.emit });
  try {
    const { world, request } = assembled;
    const outcome = await conclude(world, request, new AbortController().signal);
    if (!outcome) return;
    await audience.ended(outcome, world, loaded.inputs.mode);
    await audience.publish();
  } catch (error) {
    audience.failed(error);
    process.exitCode = 1;
    await audience.publish();
  } finally {
    await assembled.close();
  }
}

function load(env: Environment) {
  const secretsOf = (given: GivenInputs) => [
    given.password ?? '',
    ...itemsOf(given['values-files'] ?? '').flatMap(urlSecrets),
    ...clusterSecrets(given),
  ];
  return loadGiven(env, secretsOf, (given) => parseInputs(helmInputs, given, 'helm-deploy', helmContradictions));
}

/** Everybody who is told: the log, the annotations, and the report that outputs and summary are made of. */
function gather({ colour }: RunnerFacts, redact: Redact, path: string, before: HelmReport) {
  const log = createHelmLog(runnerLog(redact), { colour });
  let report = before;
  let written = false;
  function emit(event: HelmEvent): void {
    report = withHelmEvent(report, event);
    if (event.type === 'writing') written = event.begun;
    log(event);
    annotate(event, redact);
  }
  return {
    emit,
    failed: (error: unknown) => emit(failure(error, !written)),
    /** Tells the outcome, with what the release is then. */
    async ended(outcome: HelmOutcome, world: HelmWorld, mode: HelmInputs['mode'] | 'dry-run'): Promise<void> {
      const release =
        outcome.release ??
        (mode === 'uninstall' || mode === 'dry-run' ? undefined : await factsOf(world, AbortSignal.timeout(60_000)));
      emit({ type: 'ended', at: systemClock.now(), ...outcome, ...(release && { release }) });
      // A deploy that had to be taken back is no success; a rollback that was asked for is one.
      const wanted: readonly HelmVerdict[] =
        mode === 'deploy' || mode === 'canary'
          ? ['deployed', 'unchanged']
          : ['rolled-back', 'unchanged', 'uninstalled'];
      if (outcome.verdict !== undefined && !wanted.includes(outcome.verdict)) process.exitCode = 1;
    },
    async publish(): Promise<void> {
      const outputs = outputsOf(report, path);
      await publishResults({ outputs, report, path, summary: renderHelmSummary(report) }, redact);
    },
  };
}

function annotate(event: HelmEvent, redact: Redact): void {
  if (event.type === 'note' && event.level === 'warning') warning(redact(event.text), { title: 'Sluice' });
  if (event.type === 'failed') {
    const title = event.unchanged ? 'Sluice: nothing was changed' : 'Sluice: the release could not be changed';
    annotateError(redact(`${event.about}: ${event.problem} ${event.next}`), { title });
  }
  if (event.type === 'ended') {
    const bad = event.verdict === 'failed' || event.verdict === 'rolled-back';
    (bad ? annotateError : notice)(redact(event.reason), { title: `Sluice: ${event.verdict ?? 'dry run'}` });
  }
}

/** The outputs: empty where the report has no answer. */
function outputsOf(report: HelmReport, path: string): Record<keyof typeof helmOutputs, string> {
  const { now } = report;
  return {
    verdict: report.verdict ?? '',
    reason: report.reason,
    revision: now === undefined ? '' : String(now.revision),
    'previous-revision': report.previousRevision === undefined ? '' : String(report.previousRevision),
    'chart-version': now?.chartVersion ?? '',
    'app-version': now?.appVersion ?? '',
    'chart-digest': report.chartDigest,
    'manifest-digest': now?.manifestDigest ?? '',
    stable: report.stable,
    canary: report.canary,
    resources: now?.resources?.join('\n') ?? '',
    report: path,
  };
}

function failure(error: unknown, unchanged: boolean): HelmEvent {
  return { type: 'failed', at: systemClock.now(), ...failureOf(error), unchanged };
}
