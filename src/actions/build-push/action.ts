import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isSluiceError, messageOf } from '../../core/errors.ts';
import { removeBuilder } from '../../images/buildx.ts';
import { defineAction } from '../../runner/define.ts';
import { buildWith, buildxFolder } from './assemble.ts';
import { buildPushInputs } from './inputs.ts';
import { buildSecrets, readBuildInputs } from './load.ts';
import { createBuildLog } from './log.ts';
import { buildPushOutputs } from './outputs.ts';
import { type BuildRun, publishBuild } from './report.ts';
import { type BuildState, buildState } from './state.ts';
import { failureSummary } from './summary.ts';

/** Builds and pushes an image, unless the registry already has its content. */
export const action = defineAction({
  name: 'build-push',
  inputs: buildPushInputs,
  outputs: buildPushOutputs,
  groups: {
    image: 'The image and its names',
    source: 'What is built',
    registry: 'Registry',
    builder: 'Builder',
    supply: 'Attestations and signature',
    behaviour: 'Behaviour',
  },
  secrets: buildSecrets,
  read: readBuildInputs,
  state: buildState,
  main: build,
  post: cleanUp,
});

async function build(run: BuildRun): Promise<void> {
  const { facts, annotate } = run;
  const scratch = join(facts.temp, `sluice-build-${facts.identity}`);
  const warning = (message: string) => annotate.warning(message, { title: 'Sluice' });
  const log = createBuildLog({ ...run.log, warning }, facts.colour);
  // Saves the folder before anything is in it, so that `post` removes it however this process ends.
  run.save({ scratch });
  try {
    await ownFolder(scratch);
    const result = await buildWith(run, scratch, log.emit);
    log.close();
    await publishBuild(run, result);
  } catch (error) {
    log.close();
    if (isSluiceError(error)) await run.summarize(failureSummary(error));
    throw error;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Recreates the folder: its name is predictable, so someone else may have put one there. */
async function ownFolder(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { mode: 0o700 });
}

/** Milliseconds. */
const CLEAN_UP = 60_000;

/** Removes the builder of the run, and its login and secrets if `main` was stopped. */
async function cleanUp({ env, log, annotate }: BuildRun, { scratch, builder }: BuildState): Promise<void> {
  await rm(scratch, { recursive: true, force: true });
  if (builder === undefined) return;
  try {
    const policy = { signal: AbortSignal.timeout(CLEAN_UP), env: { BUILDX_CONFIG: buildxFolder(env) } };
    await removeBuilder(builder, policy);
    log.info(`Removed builder ${builder}.`);
  } catch (error) {
    annotate.warning(`Builder ${builder} could not be removed: ${messageOf(error)}`);
  }
}
