import { defineAction } from '../../runner/define.ts';
import { oneLine } from '../../runner/log-text.ts';
import { composite, partGroups } from './composite.ts';
import { releasePartsInputs } from './inputs.ts';
import { outputsOf, readRelease } from './load-inputs.ts';
import { releasePartsOutputs } from './outputs.ts';
import { type ReleasePartsRun, storyOf, tellParts } from './report.ts';

/** The first and the last step of the composite action. */
export const action = defineAction({
  name: 'release-parts',
  inputs: releasePartsInputs,
  outputs: releasePartsOutputs,
  groups: { step: 'Which end', cluster: 'Cluster', parts: 'Parts', ...partGroups },
  composite,
  read: readRelease,
  main: beginOrEnd,
});

async function beginOrEnd(run: ReleasePartsRun): Promise<void> {
  const { inputs: loaded, log, output } = run;
  if (loaded.at === 'end') return tellParts(run, loaded.inputs);
  const handed = outputsOf(loaded.parts);
  output('canary', handed.canary);
  output('workload', handed.workload);
  output('service', handed.service);
  output('canary-service', handed['canary-service']);
  output('route', handed.route);
  output('steps', handed.steps);
  log.info(oneLine(`Release ${loaded.inputs.release}: ${storyOf(loaded.parts).join(', then ')}.`));
}
