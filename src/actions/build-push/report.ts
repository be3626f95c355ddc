import { resolve } from 'node:path';
import type { PlainRun } from '../../runner/define.ts';
import type { BuildPushInputs } from './inputs.ts';
import { type BuildPushOutput, type BuildResult, buildPushOutputsOf } from './outputs.ts';
import type { BuildState } from './state.ts';
import { buildSummary } from './summary.ts';

export type BuildRun = PlainRun<BuildPushInputs, BuildPushOutput, BuildState>;

/** Reports on an image that was built or reused. */
export async function publishBuild({ inputs, facts, annotate, publish }: BuildRun, result: BuildResult): Promise<void> {
  const { workspace, temp, identity } = facts;
  const path =
    inputs.report === undefined ? resolve(temp, `sluice-${identity}-image.json`) : resolve(workspace, inputs.report);
  const { outcome, repositories } = result;
  const title = outcome.skipped ? 'Sluice: unchanged, nothing was built' : 'Sluice: built';
  const dryRun = inputs['dry-run'];
  if (!dryRun) annotate.notice(`${repositories[0]?.name ?? 'image'} ${outcome.digest ?? ''}`.trim(), { title });
  await publish({
    outputs: buildPushOutputsOf(result, path),
    report: result,
    path,
    summary: buildSummary(result, { dryRun }),
  });
}
