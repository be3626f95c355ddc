import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createClient } from '../../src/cluster/client.ts';
import { compareAnswers } from '../oracle/answers.ts';
import { parseAnswers } from '../oracle/recorded.ts';
import { deployAnswers } from '../oracle/sluice.ts';
import { openTarget } from './target.ts';

const target = await openTarget();
const { namespace } = target;
const client = createClient(target.connection);
afterAll(() => target.close());

const folder = join(import.meta.dirname, '../oracle/cases');
const cases = (await readdir(folder)).filter((name) => name.endsWith('.yaml'));

// What kubectl is answered was written down by test/oracle/record.ts; `npm run test:real -- oracle-charts` asks kubectl itself.
test.each(cases)('the dry run of %s is answered as kubectl is', async (name) => {
  const text = await readFile(join(folder, name), 'utf8');
  const recorded = await readFile(join(folder, name.replace('.yaml', '.answers.json')), 'utf8');
  const theirs = parseAnswers(recorded, namespace);
  const { answers, refused } = await deployAnswers({ client, namespace }, text);
  expect(refused).toBeUndefined();
  expect(theirs.size).toBeGreaterThan(0);
  const { same, refusedByBoth, different } = await compareAnswers(answers, theirs, async () => theirs);
  expect(different).toEqual([]);
  expect(same + refusedByBoth).toBe(theirs.size);
});
