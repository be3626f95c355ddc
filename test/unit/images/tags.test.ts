import * as fc from 'fast-check';
import { compare, parse } from 'semver';
import { describe, expect, it } from 'vitest';
import { tagPattern } from '../../../src/core/image-reference.ts';
import { isFixed, isImmutable, parseTagRule, staleFloatingTags, tagsOf } from '../../../src/images/tags.ts';

const rules = ['semver', 'branch', 'pr', 'sha'].map(parseTagRule);
const revision = '1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d';
const release = (version: string) => tagsOf([parseTagRule('semver')], { ref: `refs/tags/${version}` });

describe('tagsOf', () => {
  it.each([
    ['refs/tags/v1.2.3', ['1.2.3', '1.2', '1', 'latest', 'sha-1a2b3c4']],
    ['refs/tags/1.2.3', ['1.2.3', '1.2', '1', 'latest', 'sha-1a2b3c4']],
    ['refs/tags/v0.3.1', ['0.3.1', '0.3', 'latest', 'sha-1a2b3c4']],
    ['refs/tags/v2.0.0-rc.1', ['2.0.0-rc.1', 'sha-1a2b3c4']],
    ['refs/tags/v1.2.3+build.5', ['1.2.3', '1.2', '1', 'latest', 'sha-1a2b3c4']],
    ['refs/tags/nightly', ['nightly', 'sha-1a2b3c4']],
    ['refs/heads/main', ['main', 'sha-1a2b3c4']],
    ['refs/heads/feature/New Cart!', ['feature-New-Cart-', 'sha-1a2b3c4']],
  ])('%s', (ref, tags) => {
    expect(tagsOf(rules, { ref, revision }).all).toEqual(tags);
  });

  it('names a pull request by its number', () => {
    expect(tagsOf(rules, { ref: 'refs/pull/12/merge', pullRequest: 12, revision }).all).toEqual([
      'pr-12',
      'sha-1a2b3c4',
    ]);
  });

  it('takes the version of the input before that of the Git tag', () => {
    const tags = tagsOf(rules, { ref: 'refs/heads/main' }, 'v3.1.4');
    expect(tags).toMatchObject({ all: ['3.1.4', '3.1', '3', 'latest', 'main'], version: '3.1.4' });
  });

  it('gives nothing but tags that a registry takes, each once, whatever the ref is', () => {
    fc.assert(
      fc.property(fc.constantFrom('heads', 'tags'), fc.string({ minLength: 1 }), (kind, name) => {
        const { all } = tagsOf(rules, { ref: `refs/${kind}/${name}`, revision });
        expect(new Set(all).size).toBe(all.length);
        for (const tag of all) expect(tag).toMatch(tagPattern);
      }),
    );
  });
});

const version = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3)).map((parts) => parts.join('.'));

describe('staleFloatingTags', () => {
  it('never lets a line go back, and always lets it go forward', () => {
    fc.assert(
      fc.property(version, fc.array(version), (own, existing) => {
        const tags = release(own);
        const stale = staleFloatingTags(tags, existing).map(({ tag }) => tag);
        for (const tag of tags.floating) {
          const newer = existing.some(
            (other) => (tag === 'latest' || `${other}.`.startsWith(`${tag}.`)) && compare(other, own) > 0,
          );
          expect(stale.includes(tag)).toBe(newer);
        }
      }),
    );
  });

  it('counts no pre-release as newer, nor what is no version', () => {
    expect(staleFloatingTags(release('v1.2.3'), ['2.0.0-rc.1', 'main', '99', 'latest'])).toEqual([]);
  });

  it('keeps 1.20 apart from 1.2', () => {
    expect(staleFloatingTags(release('v1.2.3'), ['1.20.0'])).toEqual([
      { tag: '1', newer: '1.20.0' },
      { tag: 'latest', newer: '1.20.0' },
    ]);
  });
});

describe('isImmutable', () => {
  it.each([
    ['1.2.3', ['versions'], true],
    ['1.2.3-rc.1', ['versions'], true],
    ['1.2', ['versions'], false],
    ['latest', ['versions'], false],
    ['latest', ['all'], true],
    ['release-7', ['versions', 'release-*'], true],
    ['prerelease-7', ['release-*'], false],
    ['aXb', ['a.b'], false],
    ['1.2.3', [], false],
  ])('%s by %j: %s', (tag, immutable, expected) => {
    expect(isImmutable(tag, immutable)).toBe(expected);
  });

  it('holds for every version of a release', () => {
    fc.assert(fc.property(version, (own) => isImmutable(own, ['versions']) && parse(own) !== null));
  });
});

describe('isFixed', () => {
  it('lets a branch move that looks like a version, and no version', () => {
    const branch = tagsOf(rules, { ref: 'refs/heads/2.4.7-develop', revision });
    expect(branch.all).toContain('2.4.7-develop');
    expect(isFixed('2.4.7-develop', branch, ['versions'])).toBe(false);
    expect(isFixed('2.4.7-develop', branch, ['2.*'])).toBe(true);
    const tag = tagsOf(rules, { ref: 'refs/tags/v2.4.7-develop', revision });
    expect(isFixed('2.4.7-develop', tag, ['versions'])).toBe(true);
    // The input says that it is one.
    const both = tagsOf(rules, { ref: 'refs/heads/2.4.7', revision }, '2.4.7');
    expect(isFixed('2.4.7', both, ['versions'])).toBe(true);
  });
});

describe('branches in other alphabets', () => {
  it.each(['ветка', '分支', 'üñïcode/branch', 'фича-1', 'ветка-1.2.3', '-', '#'.repeat(3), `long/${'x'.repeat(200)}`])(
    '%s has a tag of its own',
    (branch) => {
      const [tag = ''] = tagsOf([parseTagRule('branch')], { ref: `refs/heads/${branch}` }).all;
      expect(tag).toMatch(tagPattern);
      expect(tag).toMatch(/^ref-.*[0-9a-f]{8}$/);
      // No line of versions.
      expect(parse(tag)).toBeNull();
    },
  );

  it('are kept apart, as Git does', () => {
    const tag = (branch: string) => tagsOf([parseTagRule('branch')], { ref: `refs/heads/${branch}` }).all[0];
    expect(tag('ветка')).not.toBe(tag('другая'));
    expect(tag('caf\u00e9')).not.toBe(tag('cafe\u0301'));
    expect(tag('фича-1')).not.toBe('1');
  });
});

it('a pattern with many stars does not take long', () => {
  const begun = performance.now();
  expect(isImmutable('a'.repeat(127), [`${'*a'.repeat(12)}b`])).toBe(false);
  expect(performance.now() - begun).toBeLessThan(1_000);
  for (const [tag, pattern, expected] of [
    ['release-1-x', 'release-*-x', true],
    ['ab', 'ab*b', false],
    ['aXbYc', 'a*b*c', true],
    ['abab', '*ab', true],
  ] as const)
    expect(isImmutable(tag, [pattern])).toBe(expected);
});

describe('parseTagRule', () => {
  it('takes a tag, and a tag that is named like a rule', () => {
    expect([parseTagRule('nightly'), parseTagRule('raw=sha')]).toEqual([
      { kind: 'raw', tag: 'nightly' },
      { kind: 'raw', tag: 'sha' },
    ]);
  });

  it.each([
    ['semvr', 'near the rule "semver"'],
    ['no tag', 'neither a rule nor a tag'],
    ['raw=', 'neither a rule nor a tag'],
  ])('refuses %s', (text, problem) => {
    expect(() => parseTagRule(text)).toThrow(problem);
  });
});
