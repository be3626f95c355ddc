import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { difference, parseExpected, sluiceReads } from '../../oracle/reading.ts';

const folder = join(import.meta.dirname, '../../oracle/cases');
const cases = (await readdir(folder)).filter((name) => name.endsWith('.yaml'));

// What kubectl reads was written down by test/oracle/record.ts; `npm run test:real -- oracle-charts` asks kubectl itself.
it.each(cases)('%s is read as by kubectl', async (name) => {
  const text = await readFile(join(folder, name), 'utf8');
  const objects = parseExpected(await readFile(join(folder, name.replace('.yaml', '.json')), 'utf8'));
  expect(objects.length).toBeGreaterThan(0);
  expect(difference(sluiceReads(text), { objects })).toBeUndefined();
});

it('there are ten of them', () => {
  expect(cases).toHaveLength(10);
});
