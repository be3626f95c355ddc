import { describe, expect, it } from 'vitest';
import { linesOf } from '../../../src/cluster/watch.ts';

async function* chunks(...texts: readonly string[]) {
  for (const text of texts) yield new TextEncoder().encode(text);
}

describe('the lines of a watch', () => {
  it('are whole, however they arrive', async () => {
    const lines = await Array.fromAsync(linesOf(chunks('{"a"', ':1}\n{"b":2}\n\n{"c', '":', '3}\n', '{"cut')));
    expect(lines).toEqual(['{"a":1}', '{"b":2}', '{"c":3}']);
  });

  it('end with an error where one has no end', async () => {
    const endless = async function* () {
      for (;;) yield new TextEncoder().encode('x'.repeat(1_000));
    };
    await expect(Array.fromAsync(linesOf(endless(), 10_000))).rejects.toThrow('more than 10000 characters');
  });

  it('may each be as long as the longest', async () => {
    const line = 'x'.repeat(9_000);
    await expect(Array.fromAsync(linesOf(chunks(`${line}\n`, `${line}\n`), 10_000))).resolves.toEqual([line, line]);
  });
});
