import type { Clock } from '../../core/clock.ts';
import { once } from '../../core/lazy.ts';
import type { GateCheck } from '../../gates/check-watch.ts';
import type { EmitGate } from '../../gates/events.ts';
import type { GateOptions, GateWorld } from '../../gates/gate.ts';
import type { Arm } from '../../judge/readings.ts';
import { expand } from '../../meters/queries/own-queries.ts';
import { type ClusterAccess, openCluster } from '../../runner/cluster.ts';
import { buildChecks, createCheckPlace } from '../checks/build.ts';
import type { Judging } from '../checks/check-kind.ts';
import { tellingOwn } from '../checks/own-traffic.ts';
import { prometheusConnection } from '../checks/prometheus-inputs.ts';
import { type GateInputs, requirementOf } from './inputs.ts';

export interface GateAssembly extends ClusterAccess {
  readonly inputs: GateInputs;
  readonly clock: Clock;
  readonly emit: EmitGate;
}

interface Assembled {
  readonly world: GateWorld;
  readonly options: GateOptions;
  close(): Promise<void>;
}

/** Parts of a watch, in each of which a fault may begin. */
const PARTS = 8;

/**
 * Builds the checks that the inputs ask for; sends no request.
 *
 * @throws SluiceError `invalid-input` for settings that need a server, a cluster or names that no input gives
 */
export async function assembleGate({ inputs, clock, emit, ...access }: GateAssembly): Promise<Assembled> {
  const { watch, interval, 'no-data-patience': noDataPatience } = inputs;
  const closing: (() => Promise<void>)[] = [];
  const opened = once(() => {
    const cluster = openCluster(inputs, access);
    closing.push(() => cluster.client.close());
    return cluster;
  });
  const place = createCheckPlace(
    {
      connections: inputs.connections,
      prometheus: prometheusConnection(inputs),
      token: inputs.token,
      judging: judgingOf(inputs),
      expand(template, arm) {
        const workload = (name: Arm) => ({ workload: inputs[name] ?? '', service: inputs[name] ?? '' });
        const namespace = inputs.namespace ?? opened().namespace;
        return expand(template, arm, { namespace, stable: workload('stable'), canary: workload('canary') });
      },
    },
    { clock, env: access.env, opened },
  );
  const built = await buildChecks(inputs.checks, place, 'gate');
  const checks = built.map(({ check, ...asks }): GateCheck => {
    const { name, onBreach, key, weight, group } = check;
    const rule = tellingOwn(asks.rule, name, inputs.checks);
    return { name, onBreach, key, weight, ...(group !== undefined && { group }), ...asks, rule };
  });
  return {
    world: { checks, clock, emit },
    options: { requirement: requirementOf(inputs), watch, interval, noDataPatience },
    async close() {
      for (const close of closing) await close();
    },
  };
}

/** How strictly rates are judged: the checks that can fail the gate share its error probability. */
function judgingOf(inputs: GateInputs): Judging {
  const sharing = inputs.checks.filter(({ isStatistical, onBreach }) => isStatistical && onBreach === 'fail').length;
  const { watch } = inputs;
  return {
    alpha: inputs['false-failure-probability'] / Math.max(1, sharing),
    parts: watch === 0 ? 1 : PARTS,
    partLength: Math.max(1, watch / PARTS),
    designEffect: inputs['burst-size'],
    mustDetect: inputs['must-detect'],
    window: inputs.window,
  };
}
