import type { Meter } from '../../canary/ports.ts';
import type { KubernetesClient } from '../../cluster/client.ts';
import type { Clock } from '../../core/clock.ts';
import { countersOf, newestOf } from '../counting/classify.ts';
import { createUntoldGuard } from '../counting/untold.ts';
import { createClusterNames } from '../queries/cluster-names.ts';
import type { Queries } from '../queries/queries.ts';
import type { Names } from '../queries/rules.ts';
import { createVariants } from '../queries/variants.ts';
import { createBaselineGuard } from '../series/readiness.ts';
import { createLook } from './look.ts';
import { describeSources, followMeteredPods } from './metered-pods.ts';
import type { EndpointOptions } from './metrics-endpoint.ts';
import { createOwnLooks } from './own-looks.ts';
import { permissionsOf, sourcesOf, usualPath } from './pod-sources.ts';
import { createPreflight, INTERVAL } from './preflight.ts';
import { createScrape, warningsOf } from './scrape.ts';

export interface PodsOptions extends EndpointOptions {
  readonly kind: 'pods';
  readonly names: Names;
  /** Own queries count what the pods of their arm show. Only a gateway's queries must distinguish the arms. */
  readonly queries: Queries;
  readonly source:
    | {
        readonly kind: 'arms';
        /** Label selectors of the arms' pods, in the namespace of `names`. */
        readonly stable: string;
        readonly canary: string;
      }
    | { readonly kind: 'gateway'; readonly namespace: string; readonly selector: string };
  /** The judged latencies, in seconds: each must be a bound of the histogram's buckets. */
  readonly latencyBounds: readonly number[];
}

/**
 * Reads the metrics endpoints of the arms' pods, or of the gateway in front of them, through the API server's pod proxy: it
 * needs no Prometheus, and waits for no scrape. A watch provides the pods.
 *
 * @param signal Ends the watch.
 * @throws SluiceError `invalid-input` for default queries that the source can't answer.
 */
export function createPodsMeter(
  options: PodsOptions,
  { client, clock, signal: lifetime }: { client: KubernetesClient; clock: Clock; signal: AbortSignal },
): Meter {
  const { names, queries, latencyBounds } = options;
  const inPods = options.source.kind === 'arms';
  const sources = sourcesOf(options);
  const about = describeSources(sources);
  const pods = followMeteredPods(sources, { ...options, usualPath: usualPath(queries) }, client, lifetime);
  const scrape = createScrape(pods, about, { client, clock });
  const namesNow = createClusterNames(queries, names, undefined, { client, signal: lifetime });
  const variants = createVariants(queries, names, inPods ? 'pods' : 'prometheus', namesNow);
  const looks = createLook({ about, scrape, variants, inPods, latencyBounds });
  const { look } = looks;
  const ownLooks = createOwnLooks(clock, scrape);
  const guard = createBaselineGuard(about);
  const untold = createUntoldGuard();

  return {
    kind: 'pods',
    source: `metrics endpoints of ${about}`,
    permissions: permissionsOf(sources),
    interval: INTERVAL,
    preflight: createPreflight(looks, clock, inPods),

    async read(signal) {
      const { answers, found, question } = await look(signal);
      const own = inPods && question ? await ownLooks.count(answers, found, question, signal) : undefined;
      const { stable, canary } = guard({
        at: newestOf(found),
        stable: countersOf('stable', found),
        canary: countersOf('canary', found),
        warnings: warningsOf(answers),
      });
      const { known, warnings } = untold(found);
      return {
        at: newestOf(found),
        stable: known('stable') ? stable : [],
        canary: known('canary') ? canary : [],
        warnings: [...warningsOf(answers), ...warnings],
        ...(own && { own }),
      };
    },
  };
}
