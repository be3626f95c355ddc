import type { Clock } from '../../core/clock.ts';
import { isSluiceError, SluiceError } from '../../core/errors.ts';
import { once } from '../../core/lazy.ts';
import type { GateCheck } from '../../gates/check-watch.ts';
import type { EmitGate } from '../../gates/events.ts';
import type { GateOptions, GateWorld } from '../../gates/gate.ts';
import { createGitHub } from '../../github/client.ts';
import { createPrometheusApi, type PrometheusApi } from '../../meters/prometheus/api.ts';
import { expand } from '../../meters/queries/own-queries.ts';
import { reach } from '../../remote/connection.ts';
import { type ClusterAccess, openCluster } from '../../runner/cluster.ts';
import { inputRefusal } from '../../runner/parse-inputs.ts';
import { openTarget } from '../../traffic/target.ts';
import { prometheusConnection } from '../canary/prometheus-inputs.ts';
import type { CheckInput, CheckPlace, Judging } from './checks/check-kind.ts';
import { type GateInputs, requirementOf } from './inputs.ts';
import { tellingOwn } from './own-traffic.ts';

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
  const place = placeOf(inputs, { clock, access, opened });
  const checks = await buildChecks(inputs.checks, place);
  return {
    world: { checks, clock, emit },
    options: { requirement: requirementOf(inputs), watch, interval, noDataPatience },
    async close() {
      for (const close of closing) await close();
    },
  };
}

/** All that is wrong with the checks is told at once. */
async function buildChecks(checks: readonly CheckInput[], place: CheckPlace): Promise<GateCheck[]> {
  const problems: string[] = [];
  const built = await Promise.all(
    checks.map(async (check): Promise<GateCheck[]> => {
      const { name, onBreach, key, weight, group } = check;
      try {
        await check.verify();
        const built = check.build(place);
        const rule = tellingOwn(built.rule, name, checks);
        return [{ name, onBreach, key, weight, ...(group !== undefined && { group }), ...built, rule }];
      } catch (error) {
        if (!isSluiceError(error)) throw error;
        problems.push(error.about === 'inputs' ? `${error.problem} ${error.next}` : error.message);
        return [];
      }
    }),
  );
  if (problems.length > 0) throw inputRefusal([...new Set(problems)], 'gate');
  return built.flat();
}

interface Opening {
  readonly clock: Clock;
  readonly access: ClusterAccess;
  /** The cluster of the inputs, opened with the first use. */
  readonly opened: () => ReturnType<typeof openCluster>;
}

function placeOf(inputs: GateInputs, { clock, access, opened }: Opening): CheckPlace {
  const { env } = access;
  /** A `k8s://` address goes through the cluster; a URL needs none. */
  const worldFor = (address: string) => ({
    env,
    clock,
    ...(address.startsWith('k8s://') && { client: opened().client }),
  });
  const prometheus = once((): PrometheusApi => {
    // A connection of this name can be signed, which the inputs of Prometheus can't.
    const connection = inputs.connections?.get('prometheus') ?? prometheusConnection(inputs);
    if (connection.address === '') throw needs('A check asks Prometheus', '"prometheus", its address');
    return createPrometheusApi(connection, worldFor(connection.address));
  });
  return {
    world: { env, clock },
    cluster: opened,
    prometheus,
    server(product, name) {
      const connection = inputs.connections?.get(name);
      if (!connection) throw needs(`A check asks ${product}`, `"connections" with ${name}: ADDRESS`);
      return reach(product, connection, worldFor(connection.address));
    },
    loadTarget(to) {
      const product = 'the service at';
      const connection = 'address' in to ? to : inputs.connections?.get(to.connection);
      if (!connection)
        throw needs('A check sends requests', `"connections" with ${'connection' in to ? to.connection : ''}: ADDRESS`);
      return openTarget(product, connection, worldFor(connection.address));
    },
    github() {
      const [owner = '', repo = ''] = (env.GITHUB_REPOSITORY ?? '').split('/');
      const { token } = inputs;
      if (token === undefined || repo === '')
        throw needs('A check asks GitHub', '"token", and run in a workflow of GitHub or set GITHUB_REPOSITORY');
      const apiUrl = env.GITHUB_API_URL ?? 'https://api.github.com';
      return {
        client: (signal) => createGitHub({ token, apiUrl, owner, repo, signal }),
        commit: env.GITHUB_SHA,
      };
    },
    serverAt: (product, address) => reach(product, { address }, worldFor(address)),
    expand(template, arm) {
      if (!template.includes('${')) return template;
      const workload = (name: 'stable' | 'canary') => ({ workload: inputs[name] ?? '', service: inputs[name] ?? '' });
      const namespace = inputs.namespace ?? opened().namespace;
      return expand(template, arm, { namespace, stable: workload('stable'), canary: workload('canary') });
    },
    judging: judgingOf(inputs),
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

function needs(problem: string, next: string): SluiceError {
  return new SluiceError('invalid-input', {
    about: 'inputs',
    problem: `${problem}, and nothing says where it is.`,
    next: `Give ${next}.`,
  });
}
