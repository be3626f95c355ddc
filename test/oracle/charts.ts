/**
 * Reads public charts and manifest files as Sluice does and as kubectl does, and tells where they differ:
 *   npm run test:real -- oracle-charts FOLDER …
 * Without a folder: all that the cache of Go modules holds. Needs `kubectl` and `helm` on the PATH. Of a chart it is what
 * `helm template` makes of it; a file that kubectl does not take, and a chart that Helm does not render by its own values, don't
 * count.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { inParallel } from '../../src/core/parallel.ts';
import { difference, kubectlReads, sluiceReads } from './reading.ts';

/** Files with more are data of tests. */
const LARGEST = 4_000_000;

interface Found {
  readonly charts: string[];
  readonly manifests: string[];
}

async function find(folder: string, found: Found): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true });
  // The templates of a chart are no manifests.
  if (entries.some(({ name }) => name === 'Chart.yaml')) return void found.charts.push(folder);
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await find(path, found);
    else if (entry.isFile() && /\.(ya?ml|json)$/.test(entry.name)) found.manifests.push(path);
  }
}

/** A file that says of which kind its objects are, and holds no template. */
async function manifestIn(path: string): Promise<string | undefined> {
  if ((await stat(path)).size > LARGEST) return undefined;
  const text = await readFile(path, 'utf8');
  const isManifest = /^\s*"?apiVersion"?:/m.test(text) && /^\s*"?kind"?:/m.test(text);
  return isManifest && !text.includes('{{') ? text : undefined;
}

async function rendered(chart: string): Promise<string | undefined> {
  const release =
    basename(chart)
      .toLowerCase()
      .replaceAll(/[^a-z0-9]/g, '')
      .slice(0, 40) || 'shop';
  const ended = await execa('helm', ['template', release, chart, '--include-crds'], { reject: false, timeout: 60_000 });
  return ended.exitCode === 0 && ended.stdout.trim() !== '' ? ended.stdout : undefined;
}

/** What became of one input. */
type Outcome = 'same' | 'refused by both' | 'no input' | { readonly different: string };

async function outcomeOf(path: string, read: (path: string) => Promise<string | undefined>): Promise<Outcome> {
  const text = await read(path);
  if (text === undefined) return 'no input';
  const [ours, theirs] = [sluiceReads(text), await kubectlReads(text)];
  if ('refused' in theirs) return 'refused' in ours ? 'refused by both' : 'no input';
  const differs = difference(ours, theirs);
  return differs === undefined ? 'same' : { different: `${path}\n  ${differs}` };
}

/** Prints the figures of some inputs; gives how many are read otherwise. */
async function compare(
  what: string,
  paths: readonly string[],
  read: (path: string) => Promise<string | undefined>,
): Promise<number> {
  const outcomes = await inParallel(paths, (path) => outcomeOf(path, read), 2);
  const count = (wanted: Outcome) => outcomes.filter((outcome) => outcome === wanted).length;
  const different = outcomes.flatMap((outcome) => (typeof outcome === 'string' ? [] : [outcome.different]));
  console.log(
    `${what}: ${count('same') + different.length} compared, ${different.length} different; ${count('refused by both')} refused by both, ${count('no input')} no input for it`,
  );
  for (const line of different) console.log(`- ${line}`);
  return different.length;
}

const folders = process.argv.slice(2);
const roots = folders.length > 0 ? folders : [(await execa('go', ['env', 'GOMODCACHE'])).stdout];
const found: Found = { charts: [], manifests: [] };
for (const root of roots) await find(root, found);
const different = [
  await compare('Charts', found.charts, rendered),
  await compare('Files of manifests', found.manifests, manifestIn),
];
process.exitCode = different.every((count) => count === 0) ? 0 : 1;
