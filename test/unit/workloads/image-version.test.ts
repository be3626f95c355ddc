import { expect, test } from 'vitest';
import { isSameVersion } from '../../../src/workloads/image-version.ts';

const [one, other] = [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`];

test.each([
  ['the same', 'registry.example/shop:2', 'registry.example/shop:2', true],
  ['pinned by Kyverno', `registry.example/shop:2@${one}`, 'registry.example/shop:2', true],
  ['another tag, pinned', `registry.example/shop:1@${one}`, 'registry.example/shop:2', false],
  ['a short name written out', 'docker.io/library/redis:7', 'redis:7', true],
  ['a tag that is implied', 'redis:latest', 'redis', true],
  ['from a mirror', 'mirror.example/shop:2', 'registry.example/shop:2', true],
  ['from a pull-through cache with a path', 'cache.example/hub/library/redis:7', 'redis:7', true],
  ['from a mirror, with another tag', 'mirror.example/shop:1', 'registry.example/shop:2', false],
  ['another repository whose name ends the same', 'mirror.example/workshop:2', 'registry.example/shop:2', false],
  ['a deeper path of the same registry', 'registry.example/old/shop:2', 'registry.example/shop:2', false],
  ['from a mirror, by digest', `mirror.example/a/b@${one}`, `registry.example/shop@${one}`, true],
  ['another digest', `registry.example/shop:2@${other}`, `registry.example/shop:2@${one}`, false],
  ['the digest taken away', 'registry.example/shop:2', `registry.example/shop:2@${one}`, false],
  [
    'the tag taken away: any version of the repository',
    `registry.example/shop@${one}`,
    'registry.example/shop:2',
    false,
  ],
  ['no image at all', 'Not An Image', 'registry.example/shop:2', false],
])('%s: %s for %s is %s', (_, shown, written, expected) => {
  expect(isSameVersion(shown, written)).toBe(expected);
});

test('a container that is not there is no version', () => {
  expect(isSameVersion(undefined, 'registry.example/shop:2')).toBe(false);
});
