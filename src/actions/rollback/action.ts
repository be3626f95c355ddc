import { rollback } from '../../rollback/rollback.ts';
import { defineAction } from '../../runner/define.ts';
import { clusterSecrets } from '../../runner/secrets.ts';
import { assembleRollback } from './assemble.ts';
import { loadRollbackInputs, rollbackInputs, rollbackOutputs } from './inputs.ts';
import { audienceOf, type RollbackRun, rollbackReport } from './report.ts';
import { rollbackRoles } from './roles.ts';

/**
 * Takes a workload back to an earlier version. It has no `post` step: the next run continues what a stopped one has recorded,
 * and going back half way to the version that is being left would help nobody.
 */
export const action = defineAction({
  name: 'rollback',
  inputs: rollbackInputs,
  outputs: rollbackOutputs,
  groups: {
    cluster: 'Cluster',
    target: 'What is taken back',
    route: 'What moves the traffic',
    behaviour: 'Behaviour',
  },
  permissions: rollbackRoles,
  secrets: clusterSecrets,
  read: loadRollbackInputs,
  report: rollbackReport,
  main: rollBack,
});

async function rollBack(run: RollbackRun): Promise<void> {
  const { world, options, close } = await assembleRollback({ ...run, audience: audienceOf(run) }, run.signal);
  run.closing(close);
  run.emit({ type: 'started', at: run.clock.now(), object: world.workload.object });
  const outcome = await rollback(world, options, run.signal);
  run.emit({ type: 'ended', at: run.clock.now(), outcome });
}
