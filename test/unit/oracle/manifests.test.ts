import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { readYaml } from '../../../src/core/yaml.ts';
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

describe('what is merged by "<<"', () => {
  const merges = join(folder, '../merges.json');

  // Random mappings, and what sigs.k8s.io/yaml 1.6 makes of them: its YAMLToJSON, as Helm and kubectl call it.
  it('is read as by the library of Helm and kubectl', async () => {
    const table = z.array(z.tuple([z.string(), z.unknown()])).parse(JSON.parse(await readFile(merges, 'utf8')));
    expect(table).toHaveLength(120);
    for (const [text, value] of table) expect({ text, value: readYaml(text)[0] }).toEqual({ text, value });
  });

  it.each([
    ['a key before it is overwritten', 'base: &base {tag: old}\nimage: {tag: own, <<: *base}\n', { tag: 'old' }],
    ['a key after it stays', 'base: &base {tag: old}\nimage: {<<: *base, tag: own}\n', { tag: 'own' }],
    ['a number in quotes stays as well', 'base: &base {"80": a}\nimage: {<<: *base, "80": b}\n', { 80: 'b' }],
    [
      'of two mappings, the first one counts',
      'image: {<<: [{tag: first}, {tag: second, a: b}]}\n',
      { tag: 'first', a: 'b' },
    ],
    ['in quotes it is a key like others', 'image: {"<<": {tag: old}}\n', { '<<': { tag: 'old' } }],
    ['as a value it is a text', 'image: [<<, {a: <<}]\n', ['<<', { a: '<<' }]],
  ])('%s', (_, text, image) => {
    expect(readYaml(text)[0]).toMatchObject({ image });
  });

  it.each([
    ['a list in a list', 'a: {<<: [[{b: c}]]}\n', '"<<" takes a mapping'],
    ['an anchor within itself', 'a: &a {b: 1, <<: *a}\n', 'stand for more values'],
    ['a mapping as a key', 'a: {{ .Values.a }}\n', 'not rendered'],
    ['no key', 'a: {~: b}\n', 'a key is empty or null'],
    ['letters that are no base64', 'a: !!binary "%%"\n', 'can not|cannot'],
  ])('%s is refused', (_, text, message) => {
    expect(() => readYaml(text)).toThrow(new RegExp(message));
  });
});
