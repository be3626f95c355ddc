import { describe, expect, it } from 'vitest';
import { createBuildLog } from '../../../src/actions/build-push/log.ts';
import { parseRepository } from '../../../src/core/image-reference.ts';
import { buildahArguments } from '../../../src/images/buildah.ts';
import type { BuildRequest } from '../../../src/images/builder.ts';
import { buildxArguments } from '../../../src/images/buildx.ts';
import { buildFailure } from '../../../src/images/failures.ts';
import { followBuildah, followBuildKit, slowest } from '../../../src/images/progress.ts';
import { signArguments } from '../../../src/images/sign.ts';

const request: BuildRequest = {
  folder: '/w',
  file: '/w/Dockerfile',
  target: 'production',
  platforms: ['linux/amd64', 'linux/arm64'],
  buildArgs: { V: '1,2' },
  hiddenArgs: { NPM_TOKEN: 'planted' },
  secrets: { npm: '/t/secrets/0' },
  ssh: ['default'],
  labels: { a: 'b' },
  annotations: ['index:c=d'],
  cacheFrom: ['type=gha'],
  cacheTo: [],
  noCache: false,
  pull: true,
  provenance: 'mode=max',
  sbom: 'true',
  createdAt: 1_767_225_600_999,
  destination: {
    kind: 'push',
    repositories: [parseRepository('ghcr.io/acme/a'), parseRepository('registry.lab:5000/acme/b')],
    staging: 'sluice-1',
  },
};

describe('buildxArguments', () => {
  it('asks for a push without a tag, and for the attestations', () => {
    const args = buildxArguments(request, { plainHttp: ['registry.lab:5000'] }, '/t/m.json', 'mine').join(' ');
    expect(args).toContain(
      '--output type=image,"name=ghcr.io/acme/a,registry.lab:5000/acme/b",push-by-digest=true,name-canonical=true,push=true --target',
    );
    expect(args).toContain('--platform linux/amd64,linux/arm64');
    expect(args).toContain('--secret id=npm,src=/t/secrets/0');
    expect(args).toContain('--provenance mode=max --sbom true /w');
    expect(args).not.toContain('--tag');
  });

  it('names arguments that sound secret, and leaves their values to the environment', () => {
    const args = [buildxArguments(request, { plainHttp: [] }, '/t/m.json', 'mine'), buildahArguments(request, 'local')];
    for (const each of args) {
      expect(each.join(' ')).toContain('--build-arg V=1,2 --build-arg NPM_TOKEN --secret');
      expect(each.join(' ')).not.toContain('planted');
    }
  });

  it('does without TLS only where none of the registries wants it', () => {
    const args = (plainHttp: readonly string[]) =>
      buildxArguments(request, { plainHttp }, '/t/m.json', 'mine').join(' ');
    const output = '--output type=image,"name=ghcr.io/acme/a,registry.lab:5000/acme/b",push-by-digest=true';
    expect(args([])).toContain(`${output},name-canonical=true,push=true --target`);
    expect(args(['ghcr.io', 'registry.lab:5000'])).toContain(
      `${output},name-canonical=true,push=true,registry.insecure=true --target`,
    );
  });

  it('loads into docker under its tags', () => {
    const loaded = { ...request, destination: { kind: 'load' as const, references: ['a:1', 'a:2'] } };
    expect(buildxArguments(loaded, { plainHttp: [] }, '/t/m.json', undefined).join(' ')).toContain(
      '--output type=docker --tag a:1 --tag a:2',
    );
  });
});

it('buildah gets the time of the commit in seconds', () => {
  expect(buildahArguments(request, 'localhost/x').join(' ')).toContain('--timestamp 1767225600');
});

it('cosign signs by digest, all that is in the index', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const args = (image: string) =>
    signArguments(
      image,
      { kind: 'key', key: 'k', password: 'never here' },
      { plainHttp: ['registry.lab:5000'], signingConfig: 'c.json' },
    ).join(' ');
  const lab = `registry.lab:5000/acme/a@${digest}`;
  expect(args(lab)).toBe(`sign --yes --recursive --key k --signing-config c.json --allow-http-registry ${lab}`);
  // Another registry of the same build is asked for a certificate.
  const outer = `ghcr.io/acme/a@${digest}`;
  expect(args(outer)).toBe(`sign --yes --recursive --key k --signing-config c.json ${outer}`);
});

const encoded = (text: string) => Buffer.from(text).toString('base64');
const at = (second: number) => `2026-01-01T00:00:0${second}.000Z`;

describe('followBuildKit', () => {
  it('tells of steps once, joins lines that come in pieces, and keeps what is no progress', () => {
    const follower = followBuildKit();
    const vertex = { digest: 'sha256:1', name: '[2/2] RUN make' };
    const lines = [
      { vertexes: [vertex] },
      { vertexes: [{ ...vertex, started: at(1) }] },
      { logs: [{ vertex: 'sha256:1', data: encoded('compi') }] },
      { logs: [{ vertex: 'sha256:1', data: encoded('ling\nlinking\n') }] },
      { vertexes: [{ ...vertex, started: at(1), completed: at(3) }] },
    ].map((line) => JSON.stringify(line));
    const notes = [...lines, '', 'WARNING: something', '{"broken'].flatMap((line) => follower.note(line));
    expect(notes).toEqual([
      { kind: 'started', step: '[2/2] RUN make' },
      { kind: 'output', step: '[2/2] RUN make', line: 'compiling' },
      { kind: 'output', step: '[2/2] RUN make', line: 'linking' },
      { kind: 'done', step: '[2/2] RUN make', milliseconds: 2_000 },
      { kind: 'text', line: 'WARNING: something' },
      { kind: 'text', line: '{"broken' },
    ]);
    expect(slowest(follower.steps(), 5)).toEqual([{ name: '[2/2] RUN make', milliseconds: 2_000 }]);
  });
});

describe('followBuildah', () => {
  it('gives what a step said to that step', () => {
    const follower = followBuildah();
    const lines = ['STEP 1/2: FROM scratch', 'STEP 2/2: RUN make', 'no rule', 'Error: building: exit status 2'];
    for (const line of lines) follower.note(line);
    expect(follower.steps().at(-1)).toMatchObject({ name: '2/2: RUN make', lines: ['no rule'] });
    expect(follower.steps().at(-1)?.error).toContain('exit status 2');
  });
});

describe('buildFailure', () => {
  const failing = (error: string, lines: readonly string[] = []) =>
    buildFailure({
      program: 'buildx',
      exitCode: 1,
      texts: [],
      steps: [{ name: '[2/2] RUN make', cached: false, error, lines }],
    });

  it.each([
    ['process "/bin/sh -c make" did not complete successfully: exit code: 2', 'failed', 'Correct the step'],
    ['write /var/lib/buildkit/x: no space left on device', 'failed', 'The disk of the builder is full'],
    ['process "x" did not complete successfully: exit code: 137', 'failed', 'memory'],
    ['failed to push: 403 Forbidden', 'forbidden', 'The registry refuses these credentials'],
    ['dial tcp 10.0.0.1:443: connect: connection refused', 'unreachable', 'can be reached from the builder'],
    ['dockerfile parse error on line 3: unknown instruction: RNU', 'invalid-input', 'Correct the Dockerfile'],
  ])('%s', (error, code, next) => {
    expect(failing(error)).toMatchObject({
      code,
      about: 'build step [2/2] RUN make',
      next: expect.stringContaining(next),
    });
  });

  it('does not take long for what a step prints without a line break', () => {
    const long = `failed to resolve source metadata ${'x '.repeat(200_000)}`;
    const begun = performance.now();
    expect(failing(long, [long, long]).problem.length).toBeLessThan(10_000);
    const follower = followBuildKit();
    const name = `[2/2] RUN echo${' '.repeat(200_000)}done`;
    follower.note(JSON.stringify({ vertexes: [{ digest: 'sha256:1', name, started: at(1) }] }));
    expect(performance.now() - begun).toBeLessThan(1_000);
  });

  it('names the step that failed, not those that were cancelled with it', () => {
    const step = (name: string, error: string) => ({ name, cached: false, lines: [], error });
    const error = buildFailure({
      program: 'buildx',
      exitCode: 1,
      texts: [],
      steps: [step('one', 'context canceled'), step('two', 'exit code: 2')],
    });
    expect(error.about).toBe('build step two');
  });

  it('says what the program said where no step failed', () => {
    const error = buildFailure({ program: 'buildx', exitCode: 1, steps: [], texts: ['ERROR: no builder "x" found'] });
    expect(error.message).toContain('buildx: failed: no builder "x" found.');
  });
});

it('the log of a build gives the runner no commands', () => {
  const lines: string[] = [];
  const sink = { info: (line: string) => lines.push(line), warning: () => 0, startGroup: () => 0, endGroup: () => 0 };
  const log = createBuildLog(sink, false);
  log.emit({ type: 'progress', note: { kind: 'text', line: '::set-output name=image::evil' } });
  log.emit({ type: 'progress', note: { kind: 'output', step: 's', line: '##[error]evil' } });
  expect(lines).toEqual([': :set-output name=image::evil', '  | ## [error]evil']);
});
