// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are what users write
import type { Clock } from '../../core/clock.ts';
import { isSluiceError, SluiceError } from '../../core/errors.ts';
import { once } from '../../core/lazy.ts';
import { createGitHub } from '../../github/client.ts';
import type { Arm } from '../../judge/readings.ts';
import { createPrometheusApi, type PrometheusApi } from '../../meters/prometheus/api.ts';
import { type Connection, reach } from '../../remote/connection.ts';
import type { ClusterAccess, openCluster } from '../../runner/cluster.ts';
import { inputRefusal } from '../../runner/parse-inputs.ts';
import { openTarget } from '../../traffic/target.ts';
import type { BuiltCheck, CheckInput, CheckPlace, Judging } from './check-kind.ts';

/** What the inputs of an action say of the places that checks ask. */
export interface PlaceOptions {
  /** Connections by their names. */
  readonly connections: ReadonlyMap<string, Connection> | undefined;
  /** Prometheus, where it has inputs of its own; its address is empty where those are not given. */
  readonly prometheus: Connection;
  /** Token for GitHub. */
  readonly token: string | undefined;
  readonly judging: Judging;
  /** A query with the names of an arm in the place of `${workload}` and its like. */
  expand(template: string, arm: Arm): string;
}

interface Opening {
  readonly clock: Clock;
  readonly env: ClusterAccess['env'];
  /** The cluster of the inputs, opened with the first use. */
  readonly opened: () => Pick<ReturnType<typeof openCluster>, 'client' | 'namespace'>;
}

/** Where checks find what they ask. Sends no request. */
export function createCheckPlace(options: PlaceOptions, { clock, env, opened }: Opening): CheckPlace {
  const { connections, token, judging, expand } = options;
  /** A `k8s://` address goes through the cluster; a URL needs none. */
  const worldFor = (address: string) => ({
    env,
    clock,
    ...(address.startsWith('k8s://') && { client: opened().client }),
  });
  const prometheus = once((): PrometheusApi => {
    // A connection of this name can be signed, which the inputs of Prometheus can't.
    const connection = connections?.get('prometheus') ?? options.prometheus;
    if (connection.address === '') throw needs('A check asks Prometheus', '"prometheus", its address');
    return createPrometheusApi(connection, worldFor(connection.address));
  });
  return {
    world: { env, clock },
    cluster: opened,
    prometheus,
    server(product, name) {
      const connection = connections?.get(name);
      if (!connection) throw needs(`A check asks ${product}`, `"connections" with ${name}: ADDRESS`);
      return reach(product, connection, worldFor(connection.address));
    },
    loadTarget(to) {
      const connection = 'address' in to ? to : connections?.get(to.connection);
      if (!connection)
        throw needs('A check sends requests', `"connections" with ${'connection' in to ? to.connection : ''}: ADDRESS`);
      return openTarget('the service at', connection, worldFor(connection.address));
    },
    github() {
      const [owner = '', repo = ''] = (env.GITHUB_REPOSITORY ?? '').split('/');
      if (token === undefined || repo === '')
        throw needs('A check asks GitHub', '"token", and run in a workflow of GitHub or set GITHUB_REPOSITORY');
      const apiUrl = env.GITHUB_API_URL ?? 'https://api.github.com';
      return {
        client: (signal) => createGitHub({ token, apiUrl, owner, repo, signal }),
        commit: env.GITHUB_SHA,
      };
    },
    serverAt: (product, address) => reach(product, { address }, worldFor(address)),
    expand: (template, arm) => (template.includes('${') ? expand(template, arm) : template),
    judging,
  };
}

/**
 * What the checks become, in their order.
 *
 * @param action for the error
 * @throws SluiceError `invalid-input` that tells at once all that is wrong with them
 */
export async function buildChecks<Check extends CheckInput>(
  checks: readonly Check[],
  place: CheckPlace,
  action: string,
): Promise<(BuiltCheck & { readonly check: Check })[]> {
  const problems: string[] = [];
  const built = await Promise.all(
    checks.map(async (check) => {
      try {
        await check.verify();
        return [{ check, ...check.build(place) }];
      } catch (error) {
        if (!isSluiceError(error)) throw error;
        problems.push(error.about === 'inputs' ? `${error.problem} ${error.next}` : error.message);
        return [];
      }
    }),
  );
  if (problems.length > 0) throw inputRefusal([...new Set(problems)], action);
  return built.flat();
}

function needs(problem: string, next: string): SluiceError {
  return new SluiceError('invalid-input', {
    about: 'inputs',
    problem: `${problem}, and nothing says where it is.`,
    next: `Give ${next}.`,
  });
}
