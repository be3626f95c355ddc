import { info, notice, setFailed, setOutput } from '@actions/core';
import { systemClock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { parseOutcomes, type ReleaseReport, releaseReport, renderRelease } from '../../report/release.ts';
import { runnerFacts } from '../../runner/github.ts';
import { oneLine } from '../../runner/log-text.ts';
import { type GivenInputs, givenInputs, parseInputs } from '../../runner/parse-inputs.ts';
import { publishResults, readLeft, reportPath } from '../../runner/results.ts';
import { loadRelease, PAGE, type Parts } from './begin.ts';
import { releasePartsInputs } from './inputs.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The first and the last step of the composite release. */
export async function releasePartsMain(env: Environment): Promise<void> {
  const given = givenInputs(env);
  try {
    if (given.at === 'end') await end(given, env);
    else begin(given);
  } catch (error) {
    setFailed(messageOf(error));
  }
}

function begin(given: GivenInputs): void {
  const { inputs, parts } = loadRelease(given);
  const { canary, workload, service, canaryService, route, steps } = parts;
  const outputs = { canary, workload, service, 'canary-service': canaryService, route, steps };
  for (const [name, value] of Object.entries(outputs)) setOutput(name, value);
  info(oneLine(`Release ${inputs.release}: ${storyOf(parts).join(', then ')}.`));
}

/** What will happen, in a few words each. */
function storyOf({ build, canary, deploy, workload, route }: Parts): string[] {
  return [
    build ? 'build and push the image' : 'take the image as it is',
    ...(canary === 'workload' ? [`compare it with ${workload} by ${route}`] : []),
    ...(canary === 'release' ? [`install the chart beside the release, compare it with ${workload} by ${route}`] : []),
    ...(deploy ? ['deploy the Helm release'] : []),
  ];
}

/** Tells of all parts at once. The job fails by the part that failed. */
async function end(given: GivenInputs, env: Environment): Promise<void> {
  const inputs = parseInputs(releasePartsInputs, given, PAGE);
  const outcomes = parseOutcomes(inputs.outcomes ?? '{}');
  const reports = await Promise.all(
    outcomes.map(async (part) => [part.name, await reportAt(part.outputs.report)] as const),
  );
  const report = releaseReport(inputs.release ?? '', outcomes, new Map(reports), systemClock.now());
  const facts = runnerFacts(env);
  const path = reportPath(inputs.report, facts);
  const { verdict, reason, image, revision } = report;
  tell(report);
  const outputs = { verdict, reason, image, revision, report: path };
  // What the parts have written into their reports and outputs has no secrets in it.
  await publishResults({ outputs, report, path, summary: renderRelease(report) }, (text) => text);
}

function tell({ verdict, reason, release }: ReleaseReport): void {
  notice(reason, { title: `Sluice: release ${release} ${verdict}` });
}

async function reportAt(path: string | undefined): Promise<unknown> {
  return path ? readLeft<unknown>(path, JSON.parse, undefined) : undefined;
}
