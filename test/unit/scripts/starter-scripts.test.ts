import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { ownWorkflows, starters, type TextFile } from '../../support/workflow-files.ts';

const folder = await mkdtemp(join(tmpdir(), 'sluice-starters-'));
afterAll(() => rm(folder, { recursive: true }));
const run = promisify(execFile);

const steps = z.array(
  z.looseObject({ id: z.string().optional(), name: z.string().optional(), run: z.string().optional() }),
);
const workflow = z.looseObject({
  jobs: z.record(
    z.string(),
    z.looseObject({
      environment: z.string().optional(),
      steps: steps.default([]),
      with: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
});

const files = await starters();
const starterOf = (name: string): TextFile => {
  const found = files.find(({ path }) => path === `workflows/${name}.yml`);
  if (!found) throw new Error(`no starter ${name}`);
  return found;
};

/** A script of a starter workflow, by the id or name of its step, as the runner starts it. */
async function runStep(name: string, step: string, env: Readonly<Record<string, string>>, cwd = folder) {
  const { jobs } = workflow.parse(parse(starterOf(name).text));
  const script = Object.values(jobs)
    .flatMap((job) => job.steps)
    .find(({ id, name: title }) => id === step || title === step)?.run;
  const output = join(folder, 'output');
  await writeFile(output, '');
  const ended = await run('bash', ['-e', '-c', script ?? 'exit 9'], {
    cwd,
    env: { PATH: process.env.PATH, GITHUB_OUTPUT: output, ...env },
  }).then(
    ({ stdout }) => ({ status: 0, log: stdout }),
    ({ code, stdout }: { code: number; stdout: string }) => ({ status: code, log: stdout }),
  );
  const outputs = Object.fromEntries((await readFile(output, 'utf8')).split('\n').map((line) => line.split(/=(.*)/s)));
  return { ...ended, outputs };
}

describe('the starter monorepo releases', async () => {
  const repository = join(folder, 'repository');
  await mkdir(repository);
  const git = (...args: string[]) =>
    run('git', ['-c', 'user.name=a', '-c', 'user.email=a@example', '-c', 'commit.gpgsign=false', ...args], {
      cwd: repository,
    });
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(repository, path)), { recursive: true });
    await writeFile(join(repository, path), text);
  };
  const commit = async () => {
    await git('add', '--all');
    await git('commit', '--quiet', '--message', 'x');
    return (await git('rev-parse', 'HEAD')).stdout.trim();
  };
  await git('init', '--quiet');
  for (const name of ['cart', 'checkout', 'gone', 'old', 'shared']) {
    await write(`services/${name}/Dockerfile`, `FROM scratch\n# ${name}\n`);
  }
  await write('services/old/notes', 'a page of notes\n');
  const first = await commit();
  await write('services/cart/Dockerfile', 'FROM alpine\n');
  await write('services/a "b"/Dockerfile', 'FROM scratch\n');
  await write('services/caf\u00e9/##[error]x', 'x');
  await write('services/README.md', 'x');
  await rm(join(repository, 'services/gone'), { recursive: true });
  // One file leaves a service for another one.
  await rm(join(repository, 'services/old/notes'));
  await write('services/shared/notes', 'a page of notes\n');
  await commit();
  const namesAfter = async (env: Readonly<Record<string, string>>) => {
    const { status, outputs, log } = await runStep(
      'monorepo',
      'names',
      {
        GIVEN: '',
        FOLDER: 'services',
        BEFORE: first,
        REGISTRY: 'ghcr.io/Acme',
        ...env,
      },
      repository,
    );
    expect(status, log).toBe(0);
    expect(log).not.toContain('##[');
    expect(outputs.registry).toBe('ghcr.io/acme');
    return z.array(z.string()).parse(JSON.parse(outputs.names ?? ''));
  };

  it('the services that have changed and are still there, whatever they are called', async () => {
    expect((await namesAfter({})).toSorted()).toEqual(['a "b"', 'café', 'cart', 'old', 'shared']);
  });

  it('all services where it can not be told what has changed', async () => {
    expect(await namesAfter({ BEFORE: '0'.repeat(40) })).toHaveLength(6);
  });

  it('those that a person names', async () => {
    expect(await namesAfter({ GIVEN: 'cart, check"out' })).toEqual(['cart', 'check"out']);
  });

  it('nothing where nothing has changed', async () => {
    expect(await namesAfter({ BEFORE: 'HEAD' })).toEqual([]);
  });
});

describe('the starter nightly-rollback', () => {
  const reason = 'aborted: x\r\n::stop-commands::y\u0085::warning::z\u001b[2J ##[error]q 100%0A';

  it.each([
    ['rolled-back', 0],
    ['promoted', 1],
  ])('prints why it is %s without a command of others', async (verdict, status) => {
    const ended = await runStep('nightly-rollback', 'the bad version was taken back', {
      VERDICT: verdict,
      REASON: reason,
    });
    expect(ended.status).toBe(status);
    const [line = '', ...others] = ended.log.trimEnd().split('\n');
    expect(others).toEqual([]);
    expect(line).toMatch(/^(Taken back: |::error title=Nightly rollback failed::A version )/);
    for (const odd of ['##[', '\r', '\u001b']) expect(line).not.toContain(odd);
    if (status === 1) expect(line).toContain('100%250A');
  });
});

describe('no starter has the credentials of a cluster where any branch can read them:', () => {
  it.each(files)('$path', ({ text }) => {
    const { jobs } = workflow.parse(parse(text));
    const reaching = Object.entries(jobs).filter(([, job]) => /secrets\.KUBECONFIG/i.test(JSON.stringify(job)));
    expect(reaching.length).toBeGreaterThan(0);
    const open = reaching.filter(([, job]) => (job.environment ?? job.with?.['cluster-environment'] ?? '') === '');
    expect(open.map(([name]) => name)).toEqual([]);
    // The text that says how to set it up.
    expect(text).toMatch(/# 1\. Environments.*\n?.*"Deployment branches and tags"/);
  });

  it('previews of pull requests are for a cluster that holds nothing else', async () => {
    const preview = (await ownWorkflows()).find(({ path }) => path.endsWith('pr-preview.yml'));
    expect(preview?.text.match(/a cluster or account that holds nothing else/g)).toHaveLength(2);
  });

  it('an approval has the rights of a command alone, and a way back asks nobody', () => {
    const { jobs } = workflow.parse(parse(starterOf('canary').text));
    expect(Object.entries(jobs).map(([name, { environment }]) => [name, environment])).toEqual([
      ['build', undefined],
      ['canary', 'release'],
      ['approve', 'production'],
      ['abort', 'release'],
    ]);
  });
});
