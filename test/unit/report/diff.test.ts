import { describe, expect, it } from 'vitest';
import { diffOf } from '../../../src/report/diff.ts';

const configMap = (lines: readonly string[]) => ({ kind: 'ConfigMap', data: { text: `${lines.join('\n')}\n` } });
const numbered = (count: number, word: string) => Array.from({ length: count }, (_, index) => `${word} ${index}`);

describe('the diff of one object', () => {
  it('shows what changes, with what stands around it', () => {
    const before = configMap(['one', 'two', 'three']);
    const after = configMap(['one', '2', 'three']);
    expect(diffOf({ object: 'ConfigMap shop/a', action: 'update', before, after }).split('\n').slice(1)).toEqual([
      ' data:',
      '   text: |',
      '     one',
      '-    two',
      '+    2',
      '     three',
    ]);
  });

  it('is made once of a write, for the log and for the report', () => {
    let asked = 0;
    const write = {
      object: 'ConfigMap shop/a',
      action: 'update' as const,
      before: { a: 1 },
      get after() {
        asked += 1;
        return { a: 2 };
      },
    };
    expect(diffOf(write)).toContain('+a: 2');
    const first = asked;
    expect(diffOf(write)).toContain('+a: 2');
    expect(asked).toBe(first);
  });

  it('says of a text that is another one from its first line to its last that it is too long to show', () => {
    const before = configMap(numbered(20_000, 'before'));
    const after = configMap(numbered(30_000, 'after'));
    expect(diffOf({ object: 'ConfigMap shop/a', action: 'update', before, after })).toBe(
      '… too many lines differ to show them: it has 20,003 lines, and 30,003 afterwards',
    );
  });

  it('shows few changes of a long text', () => {
    const lines = numbered(20_000, 'line');
    const after = configMap(lines.with(10_000, 'another one'));
    const diff = diffOf({ object: 'ConfigMap shop/a', action: 'update', before: configMap(lines), after });
    expect(diff).toContain('+    another one');
    expect(diff.split('\n').length).toBeLessThan(12);
  });
});
