/** Compares the dry runs of a file or a chart: Sluice's own with those of kubectl and Helm. */
import { execa } from 'execa';
import * as z from 'zod';
import { isRecord } from '../../lab/embedded/api-server/objects.ts';
import { parseJson } from '../../src/core/json.ts';
import { type Answers, type Comparison, compareAnswers } from './answers.ts';
import { type KubectlWay, kubectlAnswers } from './kubectl.ts';
import type { OracleServer } from './server.ts';
import { chartAnswers, deployAnswers } from './sluice.ts';

/** How two dry runs compare, or why there is nothing to compare. */
export type DryRun = Comparison | { readonly leftOut: string };

/** Milliseconds. */
const DEADLINE = 120_000;

/**
 * kubectl-deploy and `kubectl apply --server-side --dry-run=server` over the same file.
 *
 * @param objects that it holds
 */
export async function compareFile(server: OracleServer, text: string, objects: readonly unknown[]): Promise<DryRun> {
  await makeNamespaces(server, objects);
  const ask = () => kubectlAnswers(server, text, { by: 'apply', fieldManager: 'sluice' });
  const [{ answers, refused }, theirs] = [await deployAnswers(server, text), await ask()];
  if (refused === undefined) return compareAnswers(answers, theirs, ask);
  return refusedAlone(theirs, `Sluice refuses it: ${refused}`);
}

function makeNamespaces(server: OracleServer, objects: readonly unknown[]): Promise<void> {
  return server.need(
    objects.flatMap((object) => {
      const metadata = isRecord(object) && isRecord(object.metadata) ? object.metadata : {};
      return typeof metadata.namespace === 'string' ? [metadata.namespace] : [];
    }),
  );
}

function refusedAlone(theirs: Answers, problem: string): Comparison {
  const isRefused = [...theirs.values()].some((answer) => 'refused' in answer);
  return isRefused
    ? { same: 0, refusedByBoth: theirs.size, different: [] }
    : { same: 0, refusedByBoth: 0, different: [problem] };
}

const dryRelease = z.looseObject({ manifest: z.string().default(''), apply_method: z.string().optional() });

export interface ChartInput {
  /** Its folder. */
  readonly chart: string;
  readonly release: string;
}

interface Writing {
  readonly manifest: string;
  readonly way: KubectlWay;
}
type Rendered = Writing | { readonly refused: string };

/**
 * helm-deploy and `helm upgrade --install --dry-run=server`, whose manifest is asked for as Helm would write it.
 *
 * @param objects that the chart renders to
 */
export async function compareChart(
  server: OracleServer,
  { chart, release }: ChartInput,
  objects: readonly unknown[],
): Promise<DryRun> {
  await makeNamespaces(server, objects);
  const first = await helmRenders(server, chart, release);
  const { answers, refused } = await chartAnswers(server, chart, release);
  // The dry run of Helm does not install the definitions that the release does: what it would write shows without the cluster.
  const needsDefinitions = 'refused' in first && refused === undefined && /no matches for kind/.test(first.refused);
  const where = needsDefinitions ? 'client' : 'server';
  const rendered = needsDefinitions ? await helmRenders(server, chart, release, where) : first;
  if ('refused' in rendered) {
    if (refused !== undefined) return { leftOut: reasonOf(rendered.refused) };
    return { same: 0, refusedByBoth: 0, different: [`Helm alone refuses it: ${rendered.refused}`] };
  }
  const definitions = needsDefinitions ? await definitionsOf(chart) : '';
  const ask = ({ manifest, way }: Writing) => kubectlAnswers(server, `${definitions}\n---\n${manifest}`, way);
  const theirs = await ask(rendered);
  if (refused !== undefined) return refusedAlone(theirs, `Sluice refuses it: ${refused}`);
  return compareAnswers(answers, theirs, async () => {
    const again = await helmRenders(server, chart, release, where);
    return 'refused' in again ? new Map() : ask(again);
  });
}

/** What Helm installs before a release that is new. */
async function definitionsOf(chart: string): Promise<string> {
  return (await execa('helm', ['show', 'crds', chart], { timeout: DEADLINE })).stdout;
}

async function helmRenders(
  { kubeconfig, namespace }: OracleServer,
  chart: string,
  release: string,
  where: 'server' | 'client' = 'server',
): Promise<Rendered> {
  const args = [
    'upgrade',
    '--install',
    release,
    chart,
    `--dry-run=${where}`,
    '--output=json',
    '--namespace',
    namespace,
  ];
  const ended = await execa('helm', args, { reject: false, timeout: DEADLINE, env: { KUBECONFIG: kubeconfig } });
  if (ended.exitCode !== 0) return { refused: ended.stderr.trim() };
  const { manifest, apply_method: method } = dryRelease.parse(
    parseJson(ended.stdout.slice(ended.stdout.search(/^\{/m))),
  );
  return { manifest, way: { by: method === 'ssa' ? 'apply' : 'create', fieldManager: 'helm' } };
}

/** Why Helm does not take a chart with its own values, in few words. */
export function reasonOf(stderr: string): string {
  if (/missing in charts\/ directory|found in Chart.yaml, but/.test(stderr)) return 'its dependencies are not there';
  if (/library charts are not installable/.test(stderr)) return 'a library';
  if (/no matches for kind|could not find the requested resource/.test(stderr))
    return 'of kinds that the cluster does not serve';
  if (/kubeVersion/.test(stderr)) return 'for another Kubernetes';
  if (/values don't meet the specifications|execution error at|nil pointer|wrong type|required/.test(stderr)) {
    return 'it needs values';
  }
  return `Helm refuses it: ${stderr.split('\n').at(-1)?.slice(0, 160) ?? ''}`;
}
