import { conclude, deploy } from '../../helm/deploy.ts';
import type { HelmOutcome, HelmVerdict } from '../../helm/events.ts';
import { factsOf } from '../../helm/facts.ts';
import type { HelmWorld } from '../../helm/ports.ts';
import { rollBack } from '../../helm/rollback.ts';
import { uninstall } from '../../helm/uninstall.ts';
import { defineAction } from '../../runner/define.ts';
import { itemsOf } from '../../runner/input-types.ts';
import { parseInputs } from '../../runner/parse-inputs.ts';
import { clusterSecrets, urlSecrets } from '../../runner/secrets.ts';
import { assembleHelm } from './assemble.ts';
import { helmContradictions } from './contradictions.ts';
import { type HelmInputs, helmInputs, helmOutputs } from './inputs.ts';
import { type HelmRun, helmReport } from './report.ts';
import { helmRoles } from './roles.ts';

/** Installs, upgrades, rolls back or removes a Helm release. */
export const action = defineAction({
  name: 'helm-deploy',
  inputs: helmInputs,
  outputs: helmOutputs,
  groups: { cluster: 'Cluster', release: 'Release', chart: 'Chart', values: 'Values', behaviour: 'Behaviour' },
  permissions: helmRoles,
  secrets: (given) => [
    given.password ?? '',
    ...urlSecrets(given.repository ?? ''),
    ...itemsOf(given['values-files'] ?? '').flatMap(urlSecrets),
    ...clusterSecrets(given),
  ],
  read: (given) => parseInputs(helmInputs, given, 'helm-deploy', helmContradictions),
  report: helmReport,
  main: changeRelease,
  post: concludeRelease,
  leaves: 'a cancellation',
});

async function changeRelease(run: HelmRun): Promise<void> {
  const { inputs, facts, clock, signal } = run;
  const { mode, release = '' } = inputs;
  run.emit({ type: 'started', at: clock.now(), mode, release, by: facts.startedBy });
  if (inputs['rollback-on-failure'] !== undefined) {
    const text =
      'Input "rollback-on-failure" is called "undo-on-failure" now. The old name works until the next major version.';
    run.emit({ type: 'note', at: clock.now(), level: 'warning', text });
  }
  const { world, request, close } = await assembleHelm(run);
  run.closing(close);
  if (!request.dryRun) run.begun();
  const acts = {
    canary: () => deploy(world, request, signal),
    deploy: () => deploy(world, request, signal),
    rollback: () => rollBack(world, { ...request, revision: inputs.revision }, signal),
    uninstall: () => uninstall(world, { ...request, keepHistory: inputs['keep-history'] }, signal),
  };
  await tellOutcome(run, world, await acts[mode](), request.dryRun ? 'dry-run' : mode);
}

async function concludeRelease(run: HelmRun): Promise<void> {
  const { world, request, close } = await assembleHelm(run);
  run.closing(close);
  const outcome = await conclude(world, request, run.signal);
  if (outcome) await tellOutcome(run, world, outcome, run.inputs.mode);
  else run.leaveUnpublished();
}

/** Reports the outcome, and the release after it. */
async function tellOutcome(
  run: HelmRun,
  world: HelmWorld,
  outcome: HelmOutcome,
  mode: HelmInputs['mode'] | 'dry-run',
): Promise<void> {
  const release =
    outcome.release ??
    (mode === 'uninstall' || mode === 'dry-run' ? undefined : await factsOf(world, AbortSignal.timeout(60_000)));
  run.emit({ type: 'ended', at: run.clock.now(), ...outcome, ...(release && { release }) });
  // A deploy that was undone is no success; a requested rollback is one.
  const wanted: readonly HelmVerdict[] =
    mode === 'deploy' || mode === 'canary' ? ['deployed', 'unchanged'] : ['rolled-back', 'unchanged', 'uninstalled'];
  if (outcome.verdict !== undefined && !wanted.includes(outcome.verdict)) run.fail();
}
