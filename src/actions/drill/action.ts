import { concludeLeft } from '../../drills/conclude.ts';
import { drill } from '../../drills/drill.ts';
import type { DrillOutcome } from '../../drills/events.ts';
import { unsafeConnection } from '../../remote/unsafe-connection.ts';
import { defineAction } from '../../runner/define.ts';
import { oneLine } from '../../runner/log-text.ts';
import { prometheusConnection } from '../checks/prometheus-inputs.ts';
import { assembleConclusion, assembleDrill } from './assemble.ts';
import { type DrillRun, drillInputs, drillSecrets, loadDrillInputs } from './inputs.ts';
import { type History, keepHistory, loadHistory } from './keep-history.ts';
import { drillOutputs } from './outputs.ts';
import { drillReport } from './report.ts';
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
  const history = await historyOf(run);
  if (!options.dryRun) run.begun();
  const outcome = await drill(world, options, run.signal);
  failOn(run, outcome);
  const compared = history && (await keepHistory(history, { service: options.service, outcome }, run.clock.now()));
  if (!compared) return;
  run.emit(compared);
  if (run.inputs['on-worse'] === 'fail' && compared.changes.some(({ state }) => state === 'worse')) run.fail();
}

/** The results of earlier runs, read before anything is injected. */
async function historyOf({ inputs, facts, clock, emit }: DrillRun): Promise<History | undefined> {
  if (inputs.history === undefined) return undefined;
  const history = await loadHistory(inputs.history, facts.workspace);
  if (history.unread > 0) {
    const message = `${history.unread} entries of ${inputs.history} can not be read, and are left out.`;
    emit({ type: 'warning', at: clock.now(), message });
  }
  return history;
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
