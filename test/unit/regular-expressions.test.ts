import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';
import { analyse } from 'scslre';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

interface Expression {
  readonly place: string;
  readonly pattern: string;
  readonly flags: string;
}

/** Every regular expression that is written as `/…/` in a file. */
function expressionsIn(file: string): Expression[] {
  const text = readFileSync(join(root, file), 'utf8');
  const found: Expression[] = [];
  const { program } = parseSync(file, text);
  new Visitor({
    Literal(node) {
      if (!('regex' in node)) return;
      const line = text.slice(0, node.start).split('\n').length;
      found.push({ place: `${file}:${line}`, ...node.regex });
    },
  }).visit(program);
  return found;
}

/** What of an expression can take the same characters as something that follows, or again from each place of a text. */
function slowParts({ pattern, flags }: Pick<Expression, 'pattern' | 'flags'>): string[] {
  const { reports } = analyse({ source: pattern, flags });
  return reports.map((report) =>
    report.type === 'Trade' ? `${report.startQuant.raw} and then ${report.endQuant.raw}` : report.quant.raw,
  );
}

describe('regular expressions', () => {
  const expressions = globSync('src/**/*.ts', { cwd: root }).toSorted().flatMap(expressionsIn);

  it('are found', () => {
    expect(expressions.length).toBeGreaterThan(200);
    expect(slowParts({ pattern: '\\s*[\\r\\n]+\\s*', flags: 'g' })).not.toEqual([]);
    expect(slowParts({ pattern: '/+$', flags: '' })).not.toEqual([]);
  });

  it('take time in proportion to the text, whoever wrote it', () => {
    const slow = expressions.flatMap((expression) =>
      slowParts(expression).map((part) => `${expression.place} /${expression.pattern}/: ${part}`),
    );
    expect(slow).toEqual([]);
  });
});
