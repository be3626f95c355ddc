import { glob, readFile } from 'node:fs/promises';
import { dryRun } from '../../canary/dry-run.ts';
import { recover } from '../../canary/recover.ts';
import { rollout } from '../../canary/rollout.ts';
import { undoUnfinishedRollout } from '../../canary/unfinished.ts';
import { warn } from '../../canary/world.ts';
import { defineAction } from '../../runner/define.ts';
import { assemble, assembleLeft, assembleUnfinished } from './assemble.ts';
import { giveUpRecord } from './discard-record.ts';
import { releaseFirst } from './first-release.ts';
import { canaryInputs } from './inputs.ts';
import { loadInputs } from './load-inputs.ts';
import { canaryOutputs } from './outputs.ts';
import { type CanaryRun, canaryReport, failsJob } from './report.ts';
import { canaryRoles } from './roles.ts';
import { startWarnings } from './rollout-settings.ts';

/** Releases a new version step by step, and undoes the release as soon as the version is worse than stable. */
export const action = defineAction({
  name: 'canary',
  inputs: canaryInputs,
  outputs: canaryOutputs,
  groups: {
    cluster: 'Cluster',
    target: 'What is released',
    route: 'What moves the traffic',
    plan: 'Plan',
    metrics: 'Where requests are counted',
    judging: 'What is judged, and how strictly',
    behaviour: 'Behaviour',
  },
  permissions: canaryRoles,
  read: (_, { env, mask }) =>
    loadInputs({
      env,
      readFile: (path) => readFile(path, 'utf8'),
      glob: (pattern) => Array.fromAsync(glob(pattern)),
      mask: (secret) => mask([secret]),
    }),
  report: canaryReport,
  main: start,
  post: concludeRelease,
});

function start(run: CanaryRun): Promise<void> {
  const { mode } = run.inputs.inputs;
  if (mode === 'discard-record') return giveUpRecord(run);
  return mode === 'undo' ? undoUnfinished(run) : release(run);
}

/** Runs a release from the inputs to the verdict. */
async function release(run: CanaryRun): Promise<void> {
  const { inputs: loaded, clock, emit, signal } = run;
  const { inputs, plan } = loaded;
  const { world, options, first, cluster, close } = await assemble({ ...run, loaded }, signal);
  run.closing(close);
  // Comes after `assemble`: `post` must not refuse again what was refused before anything could be written.
  run.begun();
  for (const message of startWarnings(inputs, plan)) warn(world, message);
  if (first) return releaseFirst(first, { cluster, inputs, clock, emit }, { world, options }, signal);
  if (inputs['dry-run']) return dryRun(world, options, signal);
  const { verdict, passed, left } = await rollout(world, options, signal);
  // A version that could not be removed fails the job, whatever "fail-on" says.
  if (failsJob(loaded)(verdict, passed) || left) run.fail();
}

/** Concludes the rollout in which `main` was stopped, whatever the cause. */
async function concludeRelease(run: CanaryRun, id: string): Promise<void> {
  const { inputs: loaded, lifetime } = run;
  const assembled = loaded.inputs['dry-run'] ? undefined : await assembleLeft({ ...run, loaded }, id, lifetime);
  if (!assembled) return run.leaveUnpublished();
  run.closing(assembled.close);
  const concluded = await recover(assembled.world, { ...assembled.options, id }, lifetime);
  if (!concluded) return run.leaveUnpublished();
  if (concluded.left) run.fail();
}

/** `mode: undo`. It needs no `post`: the next undo continues what a stopped one has left. */
async function undoUnfinished(run: CanaryRun): Promise<void> {
  const { inputs: loaded, signal } = run;
  const { assembled, first } = await assembleUnfinished({ ...run, loaded }, signal);
  if (assembled) run.closing(assembled.close);
  const cleared = assembled && (await undoUnfinishedRollout(assembled.world, assembled.options, signal));
  if (cleared) {
    if (cleared.verdict === 'frozen' || cleared.left) run.fail();
    return;
  }
  run.leaveUnpublished();
  run.log.info('No rollout of this route is unfinished: nothing was changed.');
  run.output('reason', 'no rollout of this route was unfinished');
  if (!first) return;
  run.output('first-release', 'true');
  if (loaded.inputs['first-release'] === 'refuse')
    run.fail('Nothing serves yet, so a new version has nothing to be compared with; "first-release: refuse" is set.');
}
