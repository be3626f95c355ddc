import { gate } from '../../gates/gate.ts';
import { defineAction } from '../../runner/define.ts';
import { assembleGate } from './assemble.ts';
import { gateInputs, gateOutputs, gateSecrets, loadGateInputs } from './inputs.ts';
import { type GateRun, gateReport } from './report.ts';

/** Answers whether to go on. It writes nothing, so it has no `post` step. */
export const action = defineAction({
  name: 'gate',
  inputs: gateInputs,
  outputs: gateOutputs,
  groups: {
    cluster: 'Cluster',
    question: 'The question',
    verdict: 'The verdict',
    metrics: 'Where it is looked',
    behaviour: 'Behaviour',
  },
  secrets: gateSecrets,
  read: (given, { mask }) => loadGateInputs(given, mask),
  report: gateReport,
  main: answer,
});

async function answer(run: GateRun): Promise<void> {
  const { world, options, close } = await assembleGate(run);
  run.closing(close);
  const { verdict } = await gate(world, options, run.signal);
  const { 'on-undecided': onUndecided } = run.inputs;
  if (verdict === 'failed' || (verdict === 'undecided' && onUndecided === 'fail')) run.fail();
}
