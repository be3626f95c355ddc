import { gate } from '../../gates/gate.ts';
import { unsafeConnection } from '../../remote/unsafe-connection.ts';
import { defineAction } from '../../runner/define.ts';
import { oneLine } from '../../runner/log-text.ts';
import { prometheusConnection } from '../checks/prometheus-inputs.ts';
import { assembleGate } from './assemble.ts';
import { gateInputs, gateOutputs, gateSecrets, loadGateInputs } from './inputs.ts';
import { type GateRun, gateReport } from './report.ts';
import { gateRoles } from './roles.ts';

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
  permissions: gateRoles,
  secrets: gateSecrets,
  read: (given, { mask, facts }) => loadGateInputs(given, mask, facts.workspace),
  report: gateReport,
  main: answer,
});

async function answer(run: GateRun): Promise<void> {
  tellUnsafe(run);
  tellObjectives(run);
  const { world, options, close } = await assembleGate(run);
  run.closing(close);
  const { verdict } = await gate(world, options, run.signal);
  const { 'on-undecided': onUndecided } = run.inputs;
  if (verdict === 'failed' || (verdict === 'undecided' && onUndecided === 'fail')) run.fail();
}

/** Warns of credentials that others can read on their way. */
function tellUnsafe({ inputs, clock, emit }: GateRun): void {
  const asked = [['Prometheus', prometheusConnection(inputs)] as const, ...(inputs.connections ?? [])];
  for (const [name, connection] of asked) {
    const message = unsafeConnection(name, connection);
    if (message !== undefined) emit({ type: 'warning', at: clock.now(), message });
  }
}

/** Shows the checks that objectives became, to copy, and what the gate goes without. */
function tellObjectives({ inputs: { loaded }, log, clock, emit }: GateRun): void {
  if (!loaded) return;
  log.startGroup('The objectives as "checks", to copy');
  for (const line of loaded.written.trimEnd().split('\n')) log.info(oneLine(line));
  log.endGroup();
  for (const remark of loaded.remarks) log.info(oneLine(remark));
  for (const { text, instead } of loaded.leftOut)
    emit({ type: 'warning', at: clock.now(), message: `${text}; as accepted, ${instead}` });
}
