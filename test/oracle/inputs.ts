/** Finds the charts and the manifests in folders that somebody has fetched. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes. Files with more are data of tests. */
const LARGEST = 4_000_000;

export interface Inputs {
  readonly charts: string[];
  readonly manifests: string[];
}

/** A chart is a folder with a Chart.yaml; what lies in it is no manifest, but its own charts are found too. */
export async function findInputs(folder: string, found: Inputs = { charts: [], manifests: [] }): Promise<Inputs> {
  const entries = await readdir(folder, { withFileTypes: true });
  if (entries.some(({ name }) => name === 'Chart.yaml')) {
    found.charts.push(folder);
    return found;
  }
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await findInputs(path, found);
    else if (entry.isFile() && /\.(ya?ml|json)$/.test(entry.name)) found.manifests.push(path);
  }
  return found;
}

/** What an input holds, or why it is left out. */
export type Content = { readonly text: string } | { readonly leftOut: string };

/** The text of a file that says of which kind its objects are, and holds no template. */
export async function manifestIn(path: string): Promise<Content> {
  if ((await stat(path)).size > LARGEST) return { leftOut: 'larger than 4 MB' };
  const text = await readFile(path, 'utf8');
  if (!/^\s*"?apiVersion"?:/m.test(text) || !/^\s*"?kind"?:/m.test(text)) return { leftOut: 'no manifest' };
  return text.includes('{{') ? { leftOut: 'a template' } : { text };
}
