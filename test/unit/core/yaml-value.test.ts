import { describe, expect, it, vi } from 'vitest';
import { syntaxProblem, yamlDocument, yamlDocuments, yamlValue } from '../../../src/core/yaml-value.ts';

const refuse = (problem: string): never => {
  throw new Error(problem);
};

describe('YAML of others', () => {
  it.each(['password: !plain planted', '{password: planted}: 1', '? [planted]\n: 1', '%planted x\n---\na: 1'])(
    'is not quoted in a warning: %s',
    (text) => {
      const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
      yamlValue(yamlDocument(text), refuse);
      for (const document of yamlDocuments(text)) yamlValue(document, refuse);
      expect(warned.mock.calls).toEqual([]);
      warned.mockRestore();
    },
  );

  it.each(['a: [planted', 'a: "planted', 'a: planted\n b: planted', '- a: 1\n planted', 'a: @planted', '] planted'])(
    'that can not be read is told by its place, not by what it says: %s',
    (text) => {
      const problem = syntaxProblem(yamlDocument(text));
      expect(problem).toMatch(/\(line \d+, column \d+\)$/);
      expect(problem).not.toContain('planted');
    },
  );

  it('that can be read has no problem', () => {
    expect(syntaxProblem(yamlDocument('a: 1'))).toBeUndefined();
  });
});
