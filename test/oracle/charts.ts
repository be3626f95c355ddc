/**
 * Reads public charts and manifest files as Sluice does and as kubectl and Helm do, asks an API server for a dry run of each, and
 * tells where they differ:
 *   npm run test:real -- oracle-charts FOLDER …
 * Without a folder: all that the cache of Go modules holds. Needs `kubectl` and `helm` on the PATH, and as an administrator the
 * API server of SLUICE_ORACLE_KUBECONFIG, or else of the lab that is up (`npm run lab -- up`); without one, only the reading is
 * compared. A file that kubectl does not take, and a chart that Helm does not render by its own values, don't count.
 */

import { access } from 'node:fs/promises';
import { basename } from 'node:path';
import { execa } from 'execa';
import { kubeconfigPath } from '../../lab/cluster/layout.ts';
import { messageOf } from '../../src/core/errors.ts';
import { inParallel } from '../../src/core/parallel.ts';
import type { Comparison } from './answers.ts';
import { compareChart, compareFile, type DryRun, reasonOf } from './dry-run.ts';
import { type Content, findInputs, manifestIn } from './inputs.ts';
import { difference, kubectlReads, sluiceReads } from './reading.ts';
import { type OracleServer, openServer } from './server.ts';

/** Inputs that are looked at together. */
const PARALLEL = 4;

function releaseOf(chart: string): string {
  const letters = basename(chart)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '');
  return /^[a-z]/.test(letters) ? letters.slice(0, 40) : 'shop';
}

async function rendered(chart: string): Promise<Content> {
  const args = ['template', releaseOf(chart), chart, '--include-crds'];
  const ended = await execa('helm', args, { reject: false, timeout: 60_000 });
  if (ended.exitCode !== 0) return { leftOut: reasonOf(ended.stderr) };
  return ended.stdout.trim() === '' ? { leftOut: 'it renders nothing' } : { text: ended.stdout };
}

/** An input that both have read. */
interface ReadInput {
  readonly path: string;
  readonly text: string;
  readonly objects: readonly unknown[];
}

/** One kind of input: how it is read, and how its dry runs are compared. */
interface Kind {
  readonly title: string;
  read(path: string): Promise<Content>;
  compare(server: OracleServer, input: ReadInput): Promise<DryRun>;
}

const kinds = {
  charts: {
    title: 'Charts',
    read: rendered,
    compare: (server, { path, objects }) => compareChart(server, { chart: path, release: releaseOf(path) }, objects),
  },
  manifests: {
    title: 'Files of manifests',
    read: manifestIn,
    compare: (server, { text, objects }) => compareFile(server, text, objects),
  },
} satisfies Record<string, Kind>;

/** What became of one input. */
type Outcome =
  | { readonly leftOut: string }
  | { readonly refusedByBoth: true }
  | { readonly different: readonly string[]; readonly dryRun?: DryRun };

async function outcomeOf({ read, compare }: Kind, server: OracleServer | undefined, path: string): Promise<Outcome> {
  const content = await read(path);
  if ('leftOut' in content) return content;
  const [ours, theirs] = [sluiceReads(content.text), await kubectlReads(content.text)];
  if ('refused' in theirs) return 'refused' in ours ? { refusedByBoth: true } : { leftOut: 'kubectl does not take it' };
  const differs = difference(ours, theirs);
  if (differs !== undefined) return { different: [`read otherwise: ${differs}`] };
  if (!server || theirs.objects.length === 0) return { different: [] };
  try {
    const dryRun = await compare(server, { path, text: content.text, objects: theirs.objects });
    return { different: 'different' in dryRun ? dryRun.different : [], dryRun };
  } catch (error) {
    return { different: [`not compared: ${messageOf(error)}`] };
  }
}

/** Prints what is different as it is found, and at last the figures; gives how many inputs are different. */
async function compareAll(kind: Kind, server: OracleServer | undefined, paths: readonly string[]): Promise<number> {
  const outcomes = await inParallel(
    paths,
    async (path) => {
      const outcome = await outcomeOf(kind, server, path);
      if ('different' in outcome && outcome.different.length > 0) {
        console.log([`- ${path}`, ...outcome.different].join('\n    '));
      }
      return outcome;
    },
    PARALLEL,
  );
  if (paths.length === 0) return 0;
  const compared = outcomes.flatMap((outcome) => ('different' in outcome ? [outcome] : []));
  const different = compared.filter((outcome) => outcome.different.length > 0).length;
  const refused = outcomes.filter((outcome) => 'refusedByBoth' in outcome).length;
  console.log(`${kind.title}: ${compared.length} compared, ${different} different, ${refused} refused by both`);
  if (server) printDryRuns(compared.flatMap(({ dryRun }) => dryRun ?? []));
  printReasons(
    'left out',
    outcomes.flatMap((outcome) => ('leftOut' in outcome ? [outcome.leftOut] : [])),
  );
  return different;
}

function printDryRuns(dryRuns: readonly DryRun[]): void {
  const made = dryRuns.flatMap((dryRun) => ('same' in dryRun ? [dryRun] : []));
  const sum = (numberOf: (dryRun: Comparison) => number) => made.reduce((total, dryRun) => total + numberOf(dryRun), 0);
  const [same, refused] = [sum((dryRun) => dryRun.same), sum((dryRun) => dryRun.refusedByBoth)];
  const different = sum((dryRun) => dryRun.different.length);
  console.log(
    `  dry runs of ${made.length}: ${same} objects equal, ${refused} refused by both, ${different} different`,
  );
  printReasons(
    'without a dry run',
    dryRuns.flatMap((dryRun) => ('leftOut' in dryRun ? [dryRun.leftOut] : [])),
  );
}

function printReasons(what: string, reasons: readonly string[]): void {
  const groups = Map.groupBy(reasons, (reason) => reason);
  for (const [reason, all] of [...groups].toSorted(([, a], [, b]) => b.length - a.length)) {
    console.log(`  ${what}: ${all.length} (${reason})`);
  }
}

async function serverOrNone(): Promise<OracleServer | undefined> {
  const path = process.env.SLUICE_ORACLE_KUBECONFIG ?? kubeconfigPath;
  try {
    await access(path);
  } catch {
    console.log('No API server: only the reading is compared.');
    return undefined;
  }
  return openServer(path);
}

const folders = process.argv.slice(2);
const roots = folders.length > 0 ? folders : [(await execa('go', ['env', 'GOMODCACHE'])).stdout];
const found = { charts: [], manifests: [] };
for (const root of roots) await findInputs(root, found);
const server = await serverOrNone();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void server?.close().finally(() => process.exit(1)));
}
try {
  const different = [
    await compareAll(kinds.charts, server, found.charts),
    await compareAll(kinds.manifests, server, found.manifests),
  ];
  process.exitCode = different.every((count) => count === 0) ? 0 : 1;
} finally {
  await server?.close();
}
