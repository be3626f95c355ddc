import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';

const runner = join(import.meta.dirname, '../../../src/runner');
const folder = await mkdtemp(join(tmpdir(), 'sluice-run-'));
afterAll(() => rm(folder, { recursive: true }));

/** An action whose events are texts; `work` is the body of its `main`. */
const scriptOf = (work: string, more = '') => `
  import * as z from 'zod';
  import { defineAction } from '${runner}/define.ts';
  import { input } from '${runner}/input-schema.ts';
  import { text } from '${runner}/input-types.ts';
  import { parseInputs } from '${runner}/parse-inputs.ts';
  import { run } from '${runner}/run.ts';
  const inputs = z.strictObject({ token: input(text, { group: 'all', description: 'A token.', example: 'x' }) });
  const action = defineAction({
    name: 'toy', inputs, outputs: { said: 'What was said.' }, groups: { all: 'All' },
    secrets: ({ token = '' }) => [token],
    read: (given) => parseInputs(inputs, given, 'toy'),
    report: {
      path: () => undefined,
      begin: async () => [],
      follow: (report, event) => [...report, event],
      speaker: ({ log }) => ({ tell: (event) => log.info(event), failed: (error) => 'failed: ' + error.message }),
      outputs: (report) => ({ said: report.join(', ') }),
      summary: (report) => report.join(', '),
    },
    async main(run) { ${work} },
    async post(run, id) { run.emit('concluded ' + id); },
    ${more}
  });
  await run(action, process.env.STEP ?? 'main', process.env);
`;

/** What a process of the action leaves to the runner. */
async function runToy(work: string, env: Readonly<Record<string, string>> = {}, more = '') {
  const files = ['GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'];
  const paths = Object.fromEntries(files.map((name) => [name, join(folder, name)]));
  await Promise.all(Object.values(paths).map((path) => writeFile(path, '')));
  const options = {
    cwd: join(runner, '../..'),
    env: { PATH: process.env.PATH, RUNNER_TEMP: folder, GITHUB_RUN_ID: '7', ...paths, ...env },
  };
  const args = ['--input-type=module', '--eval', scriptOf(work, more)];
  const ended = await promisify(execFile)(process.execPath, args, options).then(
    ({ stdout }) => ({ code: 0, log: stdout }),
    ({ code, stdout }: { code: number; stdout: string }) => ({ code, log: stdout }),
  );
  const [outputs, state, summary] = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  return { ...ended, outputs, state, summary };
}

it('masks the secrets first, and tells without them', async () => {
  const ended = await runToy(`run.emit('it is ' + run.inputs.token);`, { INPUT_TOKEN: 's3cret' });
  expect(ended.code).toBe(0);
  expect(ended.log).toMatch(/^::add-mask::s3cret\n/);
  expect(ended.log).toContain('it is ***');
  expect(ended.outputs).toContain('it is ***');
  expect(ended.summary).toBe('it is ***');
});

it('refuses wrong inputs before anything else, and leaves nothing to post', async () => {
  const ended = await runToy(`run.begun();`, { INPUT_TOKENS: 'x' });
  expect(ended.code).toBe(1);
  expect(ended.log).toContain('"token" is near');
  expect(ended.state).toBe('');
});

it('leaves a failure to post, unless only cancellations are left to it', async () => {
  const work = `run.begun(); run.closing(async () => run.emit('closed')); throw new Error('no');`;
  const ended = await runToy(work);
  expect(ended.code).toBe(1);
  expect(ended.summary).toBe('closed, failed: no');
  expect(ended.state).toContain('"over": false');
  expect(ended.state).not.toContain('"over": true');
  const other = await runToy(work, {}, `leaves: 'a cancellation',`);
  expect(other.state).toContain('"over": true');
});

it('saves that it is over, and publishes nothing where nothing was done', async () => {
  const ended = await runToy(`run.begun(); run.leaveUnpublished();`);
  expect(ended.state).toContain('"over": true');
  expect([ended.outputs, ended.summary]).toEqual(['', '']);
});

it('concludes in post what main has left, and only that', async () => {
  const left = (over: boolean) => JSON.stringify({ id: '7-toy', over, report: join(folder, 'left.json') });
  const ended = await runToy('', { STEP: 'post', STATE_sluice: left(false) });
  expect(ended.summary).toBe('concluded 7-toy');
  expect((await runToy('', { STEP: 'post', STATE_sluice: left(true) })).log).toBe('');
  expect((await runToy('', { STEP: 'post' })).log).toBe('');
});

it('hides nothing in annotations and in their titles, and no secret', async () => {
  const ended = await runToy(
    `run.annotate.notice('a\\u202eb\\r\\n\\u001b[2Jc ' + run.inputs.token, { title: 't\\u001b]0;x\\u0007 ' + run.inputs.token });
     run.fail('two things:\\n- d\\u200be');`,
    { INPUT_TOKEN: 's3cret' },
  );
  expect(ended.log).toContain('::notice title=t ***::ab%0Ac ***\n');
  expect(ended.log).toContain('::error::two things:%0A- de\n');
});
