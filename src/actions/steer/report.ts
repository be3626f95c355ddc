import { withRuns } from '../../report/markdown.ts';
import type { Run } from '../../runner/define.ts';
import { oneLine } from '../../runner/log-text.ts';
import type { LoadedSteerInputs, steerOutputs } from './inputs.ts';

export type SteerRun = Run<LoadedSteerInputs, keyof typeof steerOutputs>;

/** Reports which rollout has taken the command. */
export async function tellTaken(
  { inputs, facts, annotate, output, summarize }: SteerRun,
  startedBy: string,
): Promise<void> {
  output('rollout', startedBy);
  const told = `${inputs.command} was taken by the rollout of ${inputs.rollout} that ${startedBy} has started`;
  annotate.notice(oneLine(told), { title: `Sluice: ${inputs.command}` });
  await summarize(`**${withRuns(told, facts.server)}**\n\n`);
}
