// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfiles have such placeholders
import { describe, expect, it } from 'vitest';
import { outsideOf, triggersAreLocal } from '../../../src/images/dockerfile.ts';

describe('images that a Dockerfile takes from', () => {
  it.each<[string, string, Readonly<Record<string, string>>, string[]]>([
    ['a flag before it', 'FROM scratch\nCOPY --link --from=r.example/tools:1 /a /a\n', {}, ['r.example/tools:1']],
    ['flags on lines of their own', 'FROM scratch\nCOPY --chmod=1 \\\n # why\n\n --from=t:1 /a /a\n', {}, ['t:1']],
    ['ADD with it', 'FROM scratch\nADD --from=t:1 /a /a\n', {}, ['t:1']],
    ['a mount without a type', 'FROM scratch\nRUN --mount=from=t:1,target=/t x\n', {}, ['t:1']],
    ['a mount that names it first', 'FROM a\nRUN --mount=from=t:1,type=bind,target=/t x\n', {}, ['a', 't:1']],
    [
      'mounts of other types',
      'FROM a\nRUN --mount=type=tmpfs,target=/c,from=t:1 --mount=type=cache,target=/d,from=u:2 x\n',
      {},
      ['a', 't:1', 'u:2'],
    ],
    ['small letters', 'from a\ncopy --FROM=t:1 /a /a\n', {}, ['a', 't:1']],
    [
      'ONBUILD',
      'FROM a\nONBUILD COPY --from=t:1 /a /a\nONBUILD RUN --mount=from=u:1,target=/t x\n',
      {},
      ['a', 't:1', 'u:1'],
    ],
    ['a frontend', '# syntax=r.example/frontend:1\nFROM scratch\n', {}, ['r.example/frontend:1']],
    ['a frontend after a mark', '\uFEFF# syntax=r.example/frontend:1\nFROM scratch\n', {}, ['r.example/frontend:1']],
    [
      'a frontend of an argument',
      'FROM scratch\n',
      { BUILDKIT_SYNTAX: 'r.example/frontend:1' },
      ['r.example/frontend:1'],
    ],
    [
      'a frontend after others',
      '# escape=`\n# Syntax = r.example/frontend:1 -v\nFROM scratch\n',
      {},
      ['r.example/frontend:1'],
    ],
    ['no frontend after a comment', '# build\n# syntax=r.example/frontend:1\nFROM scratch\n', {}, []],
    ['a quoted default', 'ARG B="r.example/base:1"\nFROM $B\n', {}, ['r.example/base:1']],
    ['several arguments in one line', 'ARG A=r.example B=base:1\nFROM ${A}/${B}\n', {}, ['r.example/base:1']],
    ['an argument that another uses', 'ARG V=1\nARG B=base:${V}\nFROM ${B}\n', { V: '2' }, ['base:2']],
    ['no argument of a stage', 'ARG B=one:1\nFROM $B\nARG B=two:1\nFROM $B\n', {}, ['one:1']],
    [
      'a line of another escape',
      '# escape=`\nFROM a\nCOPY `\n --from=t:1 /a c:\\\nCOPY --from=u:1 /a /a\n',
      {},
      ['a', 't:1', 'u:1'],
    ],
    [
      'what follows a document',
      'FROM a\nRUN <<EOF\nFROM b\nCOPY --from=c /a /b\nEOF\nCOPY --from=t:1 /a /a\n',
      {},
      ['a', 't:1'],
    ],
    [
      'what follows two documents',
      'FROM a\nCOPY <<A <<-"B" /d/\nA \nA\n\tx\n\tB\nCOPY --from=t:1 /a /a\n',
      {},
      ['a', 't:1'],
    ],
    [
      'what only looks like a document',
      'FROM a\nRUN echo "<<EOF" $((1<<2)) a<<EOF\nCOPY --from=t:1 /a /a\n',
      {},
      ['a', 't:1'],
    ],
    ['a stage above, not below', 'FROM b AS a\nFROM c AS b\nFROM b\n', {}, ['b', 'c']],
  ])('%s', (_, dockerfile, args, images) => {
    expect(outsideOf(dockerfile, args)).toEqual({ images, unknown: [] });
  });

  it('are those of each platform', () => {
    const dockerfile =
      'FROM a:1 AS base-amd64\nFROM b:1 AS base-arm64\nFROM base-${TARGETARCH}\nFROM c:${TARGETARCH}\n';
    expect(outsideOf(dockerfile, {}, ['linux/amd64', 'linux/arm64'])).toEqual({
      images: ['a:1', 'b:1', 'c:amd64', 'c:arm64'],
      unknown: [],
    });
    expect(outsideOf(dockerfile, {}).unknown).not.toEqual([]);
  });
});

describe('what of a Dockerfile is not known', () => {
  it.each([
    ['FROM scratch\nARG U=https://r.example/a\nADD ${U} /a\n', 'downloads something without a checksum'],
    ['FROM scratch\nADD --link https://r.example/a /a\n', 'downloads something without a checksum'],
    ['FROM scratch\nADD a b https://r.example/a /a/\n', 'downloads something without a checksum'],
    ['FROM scratch\nADD https://github.com/acme/shop.git#main /a\n', 'downloads something without a checksum'],
    ['FROM scratch\nADD git@r.example:acme/shop.git /a\n', 'downloads something without a checksum'],
    ['FROM scratch\nADD --checksum=$SUM https://r.example/a /a\n', 'downloads something without a checksum'],
    ['FROM scratch\nONBUILD ADD https://r.example/a /a\n', 'downloads something without a checksum'],
    ['FROM scratch\nCOPY --from=$TOOLS /a /a\n', '$TOOLS is known to the build only'],
    ['FROM scratch\nRUN --mount=type=bind,"from=t:1",target=/t x\n', 'is quoted'],
    ['ARG B=a\nFROM ${B%:*}\n', 'is known to the build only'],
    ['ARG B=a\\ b\nFROM $B\n', 'is known to the build only'],
    ['FROM scratch\nINCLUDE other\n', 'INCLUDE is no instruction'],
    ['// syntax=r.example/frontend\nFROM scratch\n', 'is no instruction'],
    ['FROM scratch\nRUN <<EOF\nx\n', 'whose end'],
    ['FROM scratch\nRUN <<$END\nx\n$END\n', 'whose end'],
    ['FROM scratch\nLABEL a=\uFFFD\n', 'no UTF-8'],
  ])('%j', (dockerfile, said) => {
    expect(outsideOf(dockerfile, {}).unknown.join(' ')).toContain(said);
  });

  it('is nothing where a download is pinned, or a path is local', () => {
    const dockerfile = 'FROM scratch\nADD --checksum=sha256:0f https://r.example/a$V /a\nADD src/*.tgz github /b/\n';
    expect(outsideOf(dockerfile, {}).unknown).toEqual([]);
  });
});

it('triggers of a base image are looked at as well', () => {
  expect(triggersAreLocal(['COPY . /app', 'RUN make', 'ADD local.tgz /'])).toBe(true);
  expect(triggersAreLocal(['COPY --from=t:1 /a /a'])).toBe(false);
  expect(triggersAreLocal(['ADD https://r.example/a /a'])).toBe(false);
});
