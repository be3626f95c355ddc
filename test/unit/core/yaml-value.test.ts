import { describe, expect, it, vi } from 'vitest';
import { readYamlDocument, readYamlDocuments } from '../../../src/core/yaml-value.ts';

describe('a document of YAML', () => {
  it('is read, each of several by itself', () => {
    expect(readYamlDocument('a: [1, two]')).toEqual({ value: { a: [1, 'two'] } });
    expect(readYamlDocuments('a: 1\n---\nb: 2\n')).toEqual([{ value: { a: 1 } }, { value: { b: 2 } }]);
    expect(readYamlDocument('')).toEqual({ value: null });
    expect(readYamlDocument('a: {x: 1}\nb: {<<: {y: 2}, x: 3}', { merge: true })).toEqual({
      value: { a: { x: 1 }, b: { y: 2, x: 3 } },
    });
  });

  it.each([
    ['a list without an end', 'a: [', 'Flow sequence'],
    ['a key twice', 'a: 1\nb: 2\na: 3', 'Map keys must be unique at line 3, column 1'],
    ['a key twice in braces', 'x: {a: 1, a: 2}', 'Map keys must be unique at line 1, column 11'],
    ['an alias of nothing', 'a: *nobody', 'Unresolved alias'],
    ['several documents', 'a: 1\n---\nb: 2', 'it has several documents'],
    ['lists in lists', `${'['.repeat(20_000)}${']'.repeat(20_000)}`, 'it is nested too deeply'],
    ['mappings in mappings', `${'{a: '.repeat(20_000)}1${'}'.repeat(20_000)}`, 'it is nested too deeply'],
  ])('that is wrong says how, in one line: %s', (_, text, problem) => {
    const read = readYamlDocument(text);
    expect('problem' in read ? read.problem : read).toContain(problem);
    expect('problem' in read ? read.problem : '').not.toContain('\n');
  });

  it.each(['password: !plain planted', '{password: planted}: 1', '? [planted]\n: 1', '%planted x\n---\na: 1'])(
    'is not quoted in a warning: %s',
    (text) => {
      const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
      readYamlDocument(text);
      expect(warned.mock.calls).toEqual([]);
      warned.mockRestore();
    },
  );

  it.each(['a: [planted', 'a: "planted', 'a: planted\n b: planted', '- a: 1\n planted', 'a: @planted', '] planted'])(
    'that can not be read is told by its place, not by what it says: %s',
    (text) => {
      const read = readYamlDocument(text);
      expect(read).toMatchObject({ line: expect.any(Number), column: expect.any(Number) });
      expect('problem' in read ? read.problem : 'planted').not.toContain('planted');
    },
  );
});
