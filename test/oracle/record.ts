/**
 * Writes down what kubectl reads of each case, and what an API server answers to its dry run, for those who have neither:
 *   SLUICE_ORACLE_KUBECONFIG=… node test/oracle/record.ts
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kubeconfigPath } from '../../lab/cluster/layout.ts';
import { stringifyJson } from '../../src/core/json.ts';
import { kubectlAnswers } from './kubectl.ts';
import { kubectlReads } from './reading.ts';
import { recordedAnswers } from './recorded.ts';
import { openServer } from './server.ts';

const folder = join(import.meta.dirname, 'cases');
const server = await openServer(process.env.SLUICE_ORACLE_KUBECONFIG ?? kubeconfigPath);
try {
  for (const file of (await readdir(folder)).filter((name) => name.endsWith('.yaml'))) {
    const text = await readFile(join(folder, file), 'utf8');
    const reading = await kubectlReads(text);
    if ('refused' in reading) throw new Error(`${file}: ${reading.refused}`);
    await writeFile(join(folder, file.replace('.yaml', '.json')), `${stringifyJson(reading.objects)}\n`);
    const answers = await kubectlAnswers(server, text, { by: 'apply', fieldManager: 'sluice' });
    await writeFile(
      join(folder, file.replace('.yaml', '.answers.json')),
      `${recordedAnswers(answers, server.namespace)}\n`,
    );
  }
} finally {
  await server.close();
}
