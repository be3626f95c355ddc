import { parseJson } from '../../core/json.ts';
import { parseOutcomes, releaseReport, renderRelease } from '../../report/release.ts';
import type { Run } from '../../runner/define.ts';
import { readLeft, reportPath } from '../../runner/results.ts';
import type { ReleasePartsInputs } from './inputs.ts';
import type { LoadedRelease, Parts } from './load-inputs.ts';
import type { releasePartsOutputs } from './outputs.ts';

export type ReleasePartsRun = Run<LoadedRelease, keyof typeof releasePartsOutputs>;

/** What will happen, in a few words for each part. */
export function storyOf({ build, canary, deploy, workload, route }: Parts): string[] {
  return [
    build ? 'build and push the image' : 'take the image as it is',
    ...(canary === 'workload' ? [`compare it with ${workload} by ${route}`] : []),
    ...(canary === 'release' ? [`install the chart beside the release, compare it with ${workload} by ${route}`] : []),
    ...(deploy ? ['deploy the Helm release'] : []),
  ];
}

/** Reports on all parts together. The part that failed fails the job. */
export async function tellParts(
  { facts, clock, annotate, publish }: ReleasePartsRun,
  inputs: ReleasePartsInputs,
): Promise<void> {
  const outcomes = parseOutcomes(inputs.outcomes ?? '{}');
  const reports = await Promise.all(
    outcomes.map(async (part) => [part.name, await reportAt(part.outputs.report)] as const),
  );
  const ended = releaseReport(inputs.release ?? '', outcomes, new Map(reports), clock.now());
  const report = { ...ended, commit: facts.commit };
  const path = reportPath(inputs.report, facts);
  const { verdict, reason, image, revision, release } = report;
  annotate.notice(reason, { title: `Sluice: release ${release} ${verdict}` });
  // The reports and outputs of the parts contain no secrets.
  const compared = ['shift', 'canary'].map((name) => outcomes.find((part) => part.name === name));
  const page = compared.find((part) => part !== undefined)?.outputs['report-html'] ?? '';
  const outputs = { verdict, reason, image, revision, report: path, 'report-html': page };
  await publish({ outputs, report, path, summary: renderRelease(report) });
}

async function reportAt(path: string | undefined): Promise<unknown> {
  return path ? readLeft<unknown>(path, parseJson, undefined) : undefined;
}
