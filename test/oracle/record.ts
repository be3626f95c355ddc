/** Writes down what kubectl reads of each case, for those who have no kubectl: node test/oracle/record.ts */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringifyJson } from '../../src/core/json.ts';
import { kubectlReads } from './reading.ts';

const folder = join(import.meta.dirname, 'cases');
for (const name of (await readdir(folder)).filter((file) => file.endsWith('.yaml'))) {
  const reading = await kubectlReads(await readFile(join(folder, name), 'utf8'));
  if ('refused' in reading) throw new Error(`${name}: ${reading.refused}`);
  await writeFile(join(folder, name.replace('.yaml', '.json')), `${stringifyJson(reading.objects)}\n`);
}
