import { concludeLeft } from '../../drills/conclude.ts';
import { drill } from '../../drills/drill.ts';
import type { DrillOutcome } from '../../drills/events.ts';
import { unsafeConnection } from '../../remote/unsafe-connection.ts';
import { defineAction } from '../../runner/define.ts';
import { oneLine } from '../../runner/log-text.ts';
import { prometheusConnection } from '../checks/prometheus-inputs.ts';
import { assembleConclusion, assembleDrill } from './assemble.ts';
import { drillInputs, drillSecrets, loadDrillInputs } from './inputs.ts';
import { drillOutputs } from './outputs.ts';
import { type DrillRun, drillReport } from './report.ts';
import { drillRoles } from './roles.ts';

/** Breaks something on purpose, measures what users feel, and always cleans up. */
export const action = defineAction({
  name: 'drill',
  inputs: drillInputs,
  outputs: drillOutputs,
  groups: {
    cluster: 'Cluster',
    drill: 'The drill',
    limits: 'Limits',
    measure: 'What is measured',
    results: 'Results',
    metrics: 'Where it is looked',
    behaviour: 'Behaviour',
  },
  permissions: drillRoles,
  secrets: drillSecrets,
  read: (given, { mask }) => loadDrillInputs(given, mask),
  report: drillReport,
  main: carryOutDrill,
  post: removeWhatIsLeft,
});

async function carryOutDrill(run: DrillRun): Promise<void> {
  const { mode } = run.inputs;
  if (mode === 'discard-record') return await giveUpRecord(run);
  if (mode === 'clean-up') return await cleanUp(run);
  tellUnsafe(run);
  const { world, options, close } = await assembleDrill(run);
  run.closing(close);
  if (!options.dryRun) run.begun();
  failOn(run, await drill(world, options, run.signal));
}

/** Fails the job for a verdict that the inputs name. */
function failOn(run: DrillRun, { verdict, left }: DrillOutcome): void {
  const fails = run.inputs['fail-on'].some((one) => one === verdict);
  if (fails || left.length > 0) run.fail();
}

/** `mode: clean-up`: removes what any run of the drill has left. */
async function cleanUp(run: DrillRun): Promise<void> {
  const { world, options, close } = assembleConclusion(run);
  run.closing(close);
  const outcome = await concludeLeft(world, options, 'any', run.signal);
  if (!outcome) {
    run.leaveUnpublished();
    run.log.info('No drill has left anything.');
    run.output('reason', 'No drill has left anything.');
  } else if (outcome.left.length > 0) run.fail();
}

/** `mode: discard-record`: closes the record, and writes nothing else. */
async function giveUpRecord(run: DrillRun): Promise<void> {
  const { world, close } = assembleConclusion(run);
  run.closing(close);
  const claim = await world.claim(run.signal);
  try {
    const text = await world.store.discard(AbortSignal.any([run.signal, claim.lost]));
    run.leaveUnpublished();
    const told = oneLine(`${world.store.object} is given up. ${text}`);
    run.annotate.warning(told, { title: 'Sluice: record given up' });
    run.output('reason', told);
  } finally {
    await claim.release();
  }
}

/** Removes the faults of the `main` that was stopped; its record in the cluster names them. */
async function removeWhatIsLeft(run: DrillRun, id: string): Promise<void> {
  const { world, options, close } = assembleConclusion(run);
  run.closing(close);
  const outcome = await concludeLeft(world, { ...options, id }, 'own', run.signal);
  if (!outcome) run.leaveUnpublished();
}

/** Warns of credentials that others can read on their way. */
function tellUnsafe({ inputs, clock, emit }: DrillRun): void {
  const asked = [['Prometheus', prometheusConnection(inputs)] as const, ...(inputs.connections ?? [])];
  for (const [name, connection] of asked) {
    const message = unsafeConnection(name, connection);
    if (message !== undefined) emit({ type: 'warning', at: clock.now(), message });
  }
}
