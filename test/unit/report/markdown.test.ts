import { describe, expect, it } from 'vitest';
import { withRuns } from '../../../src/report/markdown.ts';

const github = 'https://github.com';
const run = 'https://github.com/acme/shop/actions/runs/17';

describe('withRuns', () => {
  it('links the run of somebody on the same server', () => {
    expect(withRuns(`alice, ${run}`, github)).toBe(`alice, [run 17](${run})`);
    expect(withRuns(`by **mallory** (${run}).`, github)).toBe(`by \\*\\*mallory\\*\\* ([run 17](${run})).`);
    const own = 'https://git.example:8443/a/b.c/actions/runs/1';
    expect(withRuns(own, 'https://git.example:8443')).toBe(`[run 1](${own})`);
  });

  it.each([
    ['another server', 'https://github.com.evil.example/acme/shop/actions/runs/17'],
    ['another port', 'https://github.com:8443/acme/shop/actions/runs/17'],
    ['no TLS', 'http://github.com/acme/shop/actions/runs/17'],
    ['a user', 'https://mallory@github.com/acme/shop/actions/runs/17'],
    ['another page', 'https://github.com/acme/shop/settings'],
    ['more than a run', `${run}/attempts/1`],
    ['something before it', 'https://github.com/x/acme/shop/actions/runs/17'],
    ['a query', `${run}?x=1`],
    ['a fragment', `${run}#x`],
    ['steps up', 'https://github.com/x/../acme/shop/actions/runs/17'],
    ['capitals in the server', 'https://GitHub.com/acme/shop/actions/runs/17'],
    ['escapes', 'https://github.com/acme/%73hop/actions/runs/17'],
    ['Markdown', 'https://github.com/acme/[x](https://evil.example)/actions/runs/17'],
    ['no number', 'https://github.com/acme/shop/actions/runs/new'],
  ])('shows %s as code', (_, address) => {
    expect(withRuns(`alice, ${address}`, github)).toBe(`alice, \`${address}\``);
  });

  it('links nothing where the server has no TLS, or is none', () => {
    for (const server of ['http://github.com', 'nonsense', ''])
      expect(withRuns(`alice, ${run}`, server)).toBe(`alice, \`${run}\``);
  });
});
