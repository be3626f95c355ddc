import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LAB } from '../../../lab/programs/commands.ts';
import { versions } from '../../../lab/programs/versions.ts';
import { faultNames, faults } from './faults.ts';
import type { Result } from './results.ts';
import { breakdownTable, median, table } from './table.ts';
import { configNames, rampWeights, toolNames } from './tool.ts';

/** Writes `docs/peers.md`. */
export async function writeDocument(results: readonly Result[]): Promise<void> {
  await writeFile(join(import.meta.dirname, '../../../docs/peers.md'), documentOf(results));
}

function documentOf(results: readonly Result[]): string {
  return `# Beside the peers

What a bad release costs with Sluice, with [Flagger](https://flagger.app) ${versions.flagger} and with
[Argo Rollouts](https://argoproj.github.io/rollouts/) ${versions.argoRollouts}, and how often a good one is taken for a bad one.
Written by \`npm run bench:peers\` from ${results.length} releases (${span(results)}).

## What was measured

${table(results)}

Medians, with the least and the most in brackets. *Seconds* go from the first request to the canary to the last one; in a crash
loop from its beginning to the last request that went to the canary or was lost to it. *Canary requests* are those that the new
version answered, *bad* those of them with a 5xx status, *lost* those that had no answer or one of the gateway itself. Requests
are counted by the client. ${promotedNote} ${busyNote(results)}

## Where Sluice loses

${losses(results)}

## Where the time goes in Sluice

A release with 100 % errors at 5 %, in milliseconds. Negative: the last canary request was sent before.

${breakdownTable(results)}

*Enough to prove it* is when Sluice's own judge, told of each answer as the client got it, finds the breach. *Counters read* is
the scrape of Prometheus that the decision rests on, or Sluice's own look at pods or gateway.

## How

Every release has a shop of its own on [the lab](../lab/cluster/README.md): a Deployment of two pods, one VirtualService, 100
requests a second through one Envoy gateway from 15 seconds before the release until after its end. Stable fails 0.5 % of its
requests. Pods have no \`preStop\` hook. Several releases go side by side, of all tools in turn.

| plan | |
| --- | --- |
| \`hold\` | 5 % for five minutes, then everything. Sluice: \`5 for 5m, 100\`. Argo Rollouts: \`setWeight: 5\`, \`pause: 5m\`. Flagger can't: its weight rises at each tick |
| \`ramp\` | ${rampWeights.slice(0, 2).join(', ')} … ${rampWeights.at(-1)} %, ten seconds each, then everything: Flagger's fastest, for all three |
| \`sample\` | as the tool's documentation shows it: Sluice \`5 for 2m, 25 for 5m, 50 for 5m, 100\`; Flagger's [Istio tutorial](https://docs.flagger.app/tutorials/istio-progressive-delivery) (a minute, five failures, 10 % steps); Argo Rollouts' [background analysis](https://argo-rollouts.readthedocs.io/en/stable/features/analysis/#background-analysis) (20 % steps of ten minutes, a look every five from 40 % on, below 95 % four times) |

| | at its fastest |
| --- | --- |
| Sluice | default inputs. \`sluice-pods\` reads the pods, \`sluice-gateway\` the gateway, once a second, through the API server; the others ask a Prometheus that scrapes each second or every five |
| Flagger | \`interval: 10s\`, the shortest that it takes, \`threshold: 1\`, at most 1 % errors over 15 s, \`progressDeadlineSeconds: 10\` |
| Argo Rollouts | background analysis from the first weight on, \`interval: 1s\`, \`failureLimit: 0\`, at most 1 % errors over 15 s, \`progressDeadlineSeconds: 10\`, \`progressDeadlineAbort: true\`, subsets |

The peers ask the lab's Prometheus (scrapes every five seconds) for the gateway's counters of the canary's cluster, as
\`istio_requests_total{reporter="source"}\` would be asked for where Istio's proxies count. Their controllers are built from their
Go modules with default flags. Argo Rollouts' other way of splitting, a Service for each arm, was left out: after an abort it
changes the canary's Service some forty times a second until the canary's pods are gone, istiod waits for the end of changes
(ten seconds at most), and the gateway goes on sending requests to the canary for that long.

| release | |
| --- | --- |
${faultNames.map((name) => `| ${faults[name].says} | \`${faults[name].image}\` |`).join('\n')}

    npm run lab -- up
    npm run bench:peers
    npm run bench:peers -- --table

A release during which the lab was too busy (a hundredth of stable’s answers took over half a second) is measured again, and
left out. The second command appends to \`~/.local/state/${LAB}/peers/results.jsonl\`; beside it lie, for each release by its id, the requests
that were not stable's good ones with the weights that the route got (\`.requests.jsonl.gz\`), and Sluice's log and report. The
last one makes this page of all that is there. Versions: Kubernetes ${versions.kubernetes}, Istio ${versions.istio.split('-').at(-1)},
Envoy ${versions.envoy}, Prometheus ${versions.prometheus}, Flagger ${versions.flagger}, Argo Rollouts ${versions.argoRollouts}.
`;
}

const promotedNote =
  'Of a release that was promoted, the canary’s requests can’t be told from those of the new stable version: only its time is given.';

function span(results: readonly Result[]): string {
  const days = results.map(({ at }) => at.slice(0, 10)).toSorted();
  const [first] = days;
  return first === days.at(-1) ? `${first}` : `${first} to ${days.at(-1)}`;
}

/** The lab shares two cores with the load: where it was late, so were all figures. */
function busyNote(results: readonly Result[]): string {
  const times = results.map(({ p99 }) => p99);
  const [usual, most] = [median(times), Math.max(...times)].map(Math.round);
  return `99 % of stable’s answers took at most ${usual} ms in the median release, and ${most} ms in the busiest one.`;
}

const compared = [
  ['canary', 'canary requests'],
  ['seconds', 'seconds'],
  ['bad', 'bad answers'],
  ['lost', 'lost requests'],
] as const satisfies readonly (readonly [keyof Result, string])[];

/** Every figure in which a peer is better than one of Sluice's meters under the same plan: by medians, and by wrong endings. */
function losses(results: readonly Result[]): string {
  const found = faultNames.flatMap((fault) =>
    configNames.flatMap((config) => {
      const of = (tool: string) =>
        results.filter((one) => one.tool === tool && one.fault === fault && one.config === config);
      const beaten = (says: string, figureOf: (runs: readonly Result[]) => number | undefined) => {
        const values = toolNames.flatMap((tool) => {
          const value = figureOf(of(tool));
          return value === undefined ? [] : [{ tool, value }];
        });
        return values.filter(isOurs).flatMap((own) => {
          const better = values.filter((one) => !isOurs(one) && one.value < own.value);
          if (better.length === 0) return [];
          const peers = better.map(({ tool, value }) => `${tool} ${value}`).join(', ');
          return [`- ${faults[fault].says}, \`${config}\`: ${says}, ${own.tool} ${own.value}, ${peers}`];
        });
      };
      const share = (runs: readonly Result[]) =>
        runs.length === 0 ? undefined : runs.filter(isWrong).length / runs.length;
      return [
        ...beaten('share of wrong endings', share),
        ...compared.flatMap(([figure, says]) =>
          beaten(says, (runs) => {
            const exposed = runs.filter(({ verdict }) => verdict !== 'promoted').map((one) => one[figure]);
            return exposed.length === 0 ? undefined : median(exposed);
          }),
        ),
      ];
    }),
  );
  return found.length === 0 ? 'In none of these figures, compared by medians under the same plan.' : found.join('\n');
}

function isOurs({ tool }: { readonly tool: string }): boolean {
  return tool.startsWith('sluice');
}

/** A good release that was rolled back, or a bad one that was promoted. */
function isWrong({ fault, verdict }: Result): boolean {
  return verdict === (fault === '0.5%' ? 'rolled-back' : 'promoted');
}
