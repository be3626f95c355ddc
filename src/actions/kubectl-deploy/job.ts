import { error as annotateError, getState, notice, saveState, setFailed, setSecret } from '@actions/core';
import type { DeployEvent } from '../../apply/events.ts';
import type { WrittenObject } from '../../apply/objects.ts';
import { systemClock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { conclude, deploy } from '../../kubectl/deploy.ts';
import {
  type DeployReport,
  emptyDeployReport,
  hasChanged,
  parseDeployReport,
  renderDeploySummary,
  withDeployEvent,
} from '../../report/deploy.ts';
import { listenForCancellation } from '../../runner/cancellation.ts';
import { failureOf } from '../../runner/failure.ts';
import { type RunnerFacts, runnerFacts } from '../../runner/github.ts';
import { loadGiven } from '../../runner/load-given.ts';
import { parseInputs } from '../../runner/parse-inputs.ts';
import { createRedact, type Redact } from '../../runner/redact.ts';
import { publishResults, readLeft, reportPath, writeJson } from '../../runner/results.ts';
import { runnerLog } from '../../runner/runner-log.ts';
import { clusterSecrets } from '../../runner/secrets.ts';
import { loadRunState, saveRunState } from '../../runner/state.ts';
import { assembleDeploy } from './assemble.ts';
import { type KubectlInputs, kubectlContradictions, kubectlInputs, type kubectlOutputs } from './inputs.ts';
import { createDeployLog } from './log.ts';
import { loadManifests, secretValues } from './manifests.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The `main` step of `actions/kubectl-deploy`. Sets the exit status of the process. */
export async function kubectlMain(env: Environment): Promise<void> {
  using cancellation = listenForCancellation(process);
  const { cancelled } = cancellation;
  const facts = runnerFacts(env);
  const loaded = await load(env, facts, cancelled);
  if (!loaded) return;
  const { inputs, written, redact } = loaded;
  const path = reportPath(inputs.report, facts);
  const audience = await gather(facts, redact, path);
  const state = { id: facts.identity, report: path };
  let over = false;
  try {
    const { world, options, objects, close } = assembleDeploy(inputs, facts, env, audience.emit);
    try {
      const resolved = await objects(written, cancelled);
      if (!options.dryRun) saveRunState({ saveState }, { ...state, over: false }, redact);
      const verdict = await deploy(world, options, resolved, cancelled);
      if (verdict === 'undone' || verdict === 'failed') process.exitCode = 1;
    } finally {
      await close();
    }
    over = true;
  } catch (error) {
    audience.emit(refusal(error));
    process.exitCode = 1;
  } finally {
    await audience.publish();
  }
  // Not before: what nobody was told is left to `post`.
  if (over) saveRunState({ saveState }, { ...state, over }, redact);
}

/** The `post` step: concludes what `main` was stopped in, whatever stopped it. */
export async function kubectlPost(env: Environment): Promise<void> {
  const state = loadRunState({ getState });
  if (!state || state.over) return;
  const facts = runnerFacts(env);
  // What is there to be undone stands in the cluster: the manifests are not read again.
  const given = read(env);
  if (!given) return;
  const audience = await gather(facts, given.redact, state.report);
  try {
    const { world, options, close } = assembleDeploy(given.inputs, facts, env, audience.emit);
    try {
      const verdict = await conclude(world, { ...options, id: state.id }, new AbortController().signal);
      if (verdict) await audience.publish();
    } finally {
      await close();
    }
  } catch (error) {
    audience.emit(refusal(error));
    process.exitCode = 1;
    await audience.publish();
  }
}

function read(env: Environment) {
  return loadGiven(env, clusterSecrets, (given) =>
    parseInputs(kubectlInputs, given, 'kubectl-deploy', kubectlContradictions),
  );
}

interface Loaded {
  readonly inputs: KubectlInputs;
  readonly written: readonly WrittenObject[];
  readonly redact: Redact;
}

async function load(env: Environment, facts: RunnerFacts, signal: AbortSignal): Promise<Loaded | undefined> {
  const given = read(env);
  if (!given) return undefined;
  try {
    const written = await loadManifests(given.inputs, facts.workspace, signal);
    const values = secretValues(written, [given.inputs.name ?? '', given.inputs.namespace ?? '']);
    for (const value of values) setSecret(value);
    return { inputs: given.inputs, written, redact: createRedact([...given.secrets, ...values]) };
  } catch (error) {
    setFailed(given.redact(messageOf(error)));
    return undefined;
  }
}

/** Everybody who is told: the log, the annotations, and the report that outputs and summary are made of. */
async function gather({ colour }: RunnerFacts, redact: Redact, path: string) {
  const log = createDeployLog(runnerLog(redact), { colour });
  let report = await readLeft(path, parseDeployReport, emptyDeployReport);
  let writing = Promise.resolve();
  return {
    emit(event: DeployEvent) {
      report = withDeployEvent(report, event);
      log(event);
      annotate(event, redact);
      // A process that is killed leaves what it has seen to the post step.
      if (event.type === 'planned' || event.type === 'waiting' || event.type === 'stuck') {
        writing = writing.then(() => writeJson(report, path, redact)).catch(() => undefined);
      }
    },
    async publish(): Promise<void> {
      await writing;
      const outputs = outputsOf(report, path);
      await publishResults({ outputs, report, path, summary: renderDeploySummary(report) }, redact);
    },
  };
}

function annotate(event: DeployEvent, redact: Redact): void {
  if (event.type === 'refused') {
    annotateError(redact(`${event.about}: ${event.problem} ${event.next}`), { title: 'Sluice: not deployed' });
  }
  if (event.type === 'ended') {
    const isBad = event.verdict === 'undone' || event.verdict === 'failed';
    const title = `Sluice: ${event.verdict}`;
    (isBad ? annotateError : notice)(redact(`${event.reason} ${event.next}`.trim()), { title });
  }
}

/** The outputs: empty where the report has no answer. */
function outputsOf(report: DeployReport, path: string): Record<keyof typeof kubectlOutputs, string> {
  const { verdict, reason, digest, objects, endedAt } = report;
  const names = (wanted: (object: DeployReport['objects'][number]) => boolean) =>
    objects
      .filter(wanted)
      .map(({ object }) => object)
      .join('\n');
  const isDryRun = verdict === undefined && endedAt === undefined;
  const wouldChange = objects.some(({ action }) => action !== 'unchanged' && action !== 'keep');
  return {
    verdict: verdict ?? '',
    reason,
    changed: String(isDryRun ? wouldChange : hasChanged(report)),
    resources: names(({ action }) => action !== 'prune' && action !== 'keep'),
    pruned: names(({ action, written }) => action === 'prune' && written),
    'manifest-digest': digest,
    report: path,
  };
}

function refusal(error: unknown): DeployEvent {
  return { type: 'refused', at: systemClock.now(), ...failureOf(error) };
}
