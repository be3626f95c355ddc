import { EventEmitter } from 'node:events';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { buildPushOutputs } from '../../../src/actions/build-push/outputs.ts';
import { createAnnotations } from '../../../src/actions/canary/annotations.ts';
import { canaryOutputs, outputsOf } from '../../../src/actions/canary/outputs.ts';
import { readReport, writePlot, writeReport, writeSummary } from '../../../src/actions/canary/publish.ts';
import { helmOutputs } from '../../../src/actions/helm-deploy/inputs.ts';
import { kubectlOutputs } from '../../../src/actions/kubectl-deploy/inputs.ts';
import { rollbackOutputs } from '../../../src/actions/rollback/inputs.ts';
import type { RolloutEvent } from '../../../src/canary/events.ts';
import { isSluiceError } from '../../../src/core/errors.ts';
import { reportSchema } from '../../../src/report/canary-report-schema.ts';
import { emptyReport } from '../../../src/report/empty-report.ts';
import { block, code, details, plain } from '../../../src/report/markdown.ts';
import { listenForCancellation } from '../../../src/runner/cancellation.ts';
import { runnerFacts } from '../../../src/runner/github.ts';
import { listOutputs, outputValue, setOutputs } from '../../../src/runner/outputs.ts';
import { createRedact, createSecretKeeper, redactedJson } from '../../../src/runner/redact.ts';
import { reportPath } from '../../../src/runner/results.ts';
import { loadRunState, saveRunState } from '../../../src/runner/state.ts';
import { render, textOf } from '../../support/hostile-markdown.ts';
import { reportOf, start, tell } from '../report/story.ts';

const breach = reportOf(tell({ errors: (weight) => (weight >= 25 ? 1 : 0.005) }));
const same = (text: string) => text;

describe('a cancellation', () => {
  it('aborts at once with the first signal, and the second one changes nothing', () => {
    const source = new EventEmitter();
    using cancellation = listenForCancellation(source);
    expect(cancellation.cancelled.aborted).toBe(false);
    source.emit('SIGINT');
    expect(isSluiceError(cancellation.cancelled.reason, 'cancelled')).toBe(true);
    source.emit('SIGTERM');
    expect(cancellation.cancelled.reason.message).toContain('SIGINT');
  });

  it('is no longer listened for when it is disposed', () => {
    const source = new EventEmitter();
    listenForCancellation(source)[Symbol.dispose]();
    expect(source.listenerCount('SIGINT') + source.listenerCount('SIGTERM')).toBe(0);
  });
});

describe('redaction', () => {
  it('takes out secrets of several lines, in JSON and in URLs', () => {
    const redact = createRedact(['line one\nline two', 'p@ss/word', 'quo"ted']);
    expect(redact('line two; line one')).toBe('***; ***');
    expect(redact('https://u:p%40ss%2Fword@host p@ss/word')).toBe('https://u:***@host ***');
    expect(redact(JSON.stringify({ a: 'quo"ted' }))).toBe('{"a":"***"}');
  });

  it('takes out the longer of two secrets that overlap', () => {
    expect(createRedact(['abcd', 'abcdefgh'])('abcdefgh')).toBe('***');
    // Markdown escapes what would mean something in it.
    expect(createRedact(['ghs_16C7e42F'])(plain('is ghs_16C7e42F here'))).toBe('is *** here');
  });

  it('takes out a secret that stands in base64, wherever it begins there', () => {
    const redact = createRedact(['planted-password']);
    for (const before of ['', 'a', 'ab', 'robot:']) {
      for (const after of ['', 'x', 'xy', '@host']) {
        const encoded = Buffer.from(`${before}planted-password${after}`).toString('base64');
        expect(redact(`Basic ${encoded}`), `${before}…${after}`).toContain('***');
        expect(redact(`Basic ${encoded}`).length).toBeLessThan(`Basic ${encoded}`.length - 14);
      }
    }
  });

  it('takes out what a cut has left of a secret', () => {
    const redact = createRedact(['planted-password']);
    expect(redact('token planted-pass…')).toBe('token ***…');
    expect(redact('first planted-p… nted-password, and more')).toBe('first ***…***, and more');
    expect(redact(`${Buffer.from('robot:planted-password').toString('base64').slice(0, 20)}…`)).not.toContain(
      'wbGFudG',
    );
    expect(redact('it is planned… and so on')).toBe('it is planned… and so on');
    // Without a cut it is a word of its own.
    expect(redact('to planted')).toBe('to planted');
  });

  it('takes out what is found while the run goes on, and tells each once', () => {
    const told: string[] = [];
    const { mask, redact } = createSecretKeeper((secret) => told.push(secret));
    mask(['first-secret', ' ']);
    expect(redact('first-secret later-secret')).toBe('*** later-secret');
    mask(['later-secret', 'first-secret']);
    expect(redact('first-secret later-secret')).toBe('*** ***');
    expect(told).toEqual(['first-secret', 'later-secret']);
  });

  it('takes out what Markdown has marked in its middle', () => {
    const said = fc.string({ unit: 'grapheme-ascii', minLength: 4, maxLength: 12 });
    // Of a secret in pieces, as many characters must be seen as of a whole one.
    const secrets = said
      .map((text) => text.trim().replaceAll('*', 'x'))
      .filter((text) => text.replaceAll(/[\s\\`]/g, '').length >= 4);
    const around = fc.constantFrom('', ' ', 'x', 'a@', '`', '.', '(', '|', '#1', 'https://');
    fc.assert(
      fc.property(secrets, around, around, (secret, before, after) => {
        const redact = createRedact([secret]);
        for (const write of [plain, code, (text: string) => details(text, ''), (text: string) => block('', text)]) {
          const shown = textOf(render(redact(write(`${before}${secret}${after}`))));
          expect(shown).not.toContain(secret);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('leaves whole numbers of 64 bits as they are in JSON', () => {
    const written = redactedJson({ limit: 9_223_372_036_854_775_807n, flag: 'planted' }, createRedact(['planted']));
    expect(written).toContain('"limit": 9223372036854775807');
    expect(written).not.toContain('planted');
  });

  it('leaves no secret in JSON, and JSON that can be read', () => {
    const secrets = fc.string({ minLength: 4 }).filter((text) => text.trim().length >= 4 && !text.includes('*'));
    fc.assert(
      fc.property(secrets, fc.boolean(), (secret, flag) => {
        const written = redactedJson({ text: `said ${secret}!`, flag }, createRedact([secret]));
        const read = z.object({ text: z.string(), flag: z.boolean() }).parse(JSON.parse(written));
        expect(read.text).not.toContain(secret.trim());
        expect(read.flag).toBe(flag);
      }),
    );
  });
});

describe('the state between main and post', () => {
  function store() {
    const saved = new Map<string, string>();
    return {
      saveState: (name: string, value: string) => void saved.set(name, value),
      getState: (name: string) => saved.get(name) ?? '',
      saved,
    };
  }

  it('is what was saved last', () => {
    const core = store();
    saveRunState(core, { id: 'a', over: false, report: '/tmp/r.json' }, same);
    saveRunState(core, { id: 'a', over: true, report: '/tmp/r.json' }, same);
    expect(loadRunState(core)).toEqual({ id: 'a', over: true, report: '/tmp/r.json' });
  });

  it('is nothing where main did not come to save it', () => {
    expect(loadRunState(store())).toBeUndefined();
  });

  it('holds no secret', () => {
    const core = store();
    saveRunState(core, { id: 'a', over: false, report: '/tmp/s3cret/r.json' }, createRedact(['s3cret']));
    expect([...core.saved.values()].join()).not.toContain('s3cret');
  });
});

describe('outputs', () => {
  it('are what was measured', () => {
    expect(outputsOf(breach, '/tmp/r.json')).toMatchObject({
      verdict: 'rolled-back',
      reason: breach.outcome?.reason,
      weight: '25',
      'canary-requests': String(breach.total.canary.requests),
      'canary-bad': String(breach.total.canary.errors),
      'started-at': '2026-03-01T03:14:00.000Z',
      digest: '',
      report: '/tmp/r.json',
    });
  });

  it('are all set, without a verdict as well, and without secrets', () => {
    const set = new Map<string, string>();
    const failed = {
      type: 'failed',
      at: start,
      code: 'not-found',
      about: 'VirtualService shop/s3cret',
      problem: 'does not exist.',
      next: '',
      unchanged: true,
    } as const;
    const outputs = outputsOf(reportOf([failed]), 'r.json');
    setOutputs((name, value) => set.set(name, value), outputs, createRedact(['s3cret']));
    expect([...set.keys()]).toEqual(Object.keys(canaryOutputs));
    expect(set.get('verdict')).toBe('');
    expect(set.get('reason')).toBe('VirtualService shop/***: does not exist.');
  });

  it('are one line each, whatever others wrote into them', () => {
    const set = new Map<string, string>();
    const why = 'aborted by mallory: x\n::stop-commands::pwned\n\u001b[2J::warning::spoofed';
    const outputs = { ...outputsOf(breach, 'r.json'), reason: why, verdict: 'held\r\n::error::x' };
    setOutputs(
      (name, value) => set.set(name, value),
      outputs,
      (text) => text,
    );
    expect(set.get('reason')).toBe('aborted by mallory: x ::stop-commands::pwned ::warning::spoofed');
    expect(set.get('verdict')).toBe('held ::error::x');
  });

  it('have a line each for what they list, and so say the docs', () => {
    const declared = { ...canaryOutputs, ...helmOutputs, ...kubectlOutputs, ...rollbackOutputs, ...buildPushOutputs };
    const lists = Object.entries(declared).flatMap(([name, words]) => (words.includes('a line each') ? [name] : []));
    // The workloads of a canary release are what `canary` lists; a plan may be written on several lines.
    expect(new Set([...lists, 'canary', 'steps'])).toEqual(listOutputs);
    expect(outputValue('tags', 'a/b:1\na/b:2\u0007')).toBe('a/b:1\na/b:2');
  });

  it.each([
    ['reason', '\u00a0::add-mask::x', '\u00a0: :add-mask::x'],
    ['reason', 'a ##[error]x\u202e', 'a ## [error]x'],
    ['steps', '- weight: 5\n  for: 2m\n\u0085::warning::x', '- weight: 5\n  for: 2m\n: :warning::x'],
  ])('are no command to the runner, where a step prints them: %s', (name, value, set) => {
    expect(outputValue(name, value)).toBe(set);
  });
});

describe('annotations', () => {
  function annotationsOf(events: readonly RolloutEvent[], failing: readonly string[] = ['rolled-back']): string[] {
    const said: string[] = [];
    const say =
      (kind: string) =>
      (message: string, { title }: { title: string }) =>
        void said.push(`${kind} ${title}: ${message}`);
    const annotate = createAnnotations(
      { notice: say('notice'), warning: say('warning'), error: say('error') },
      (verdict) => failing.includes(verdict),
    );
    for (const event of events) annotate(event);
    return said;
  }

  it('are one for the verdict, an error where it fails the job', () => {
    const events = tell({ errors: () => 1 });
    const reason = events.find((event) => event.type === 'ended')?.reason;
    expect(annotationsOf(events)).toEqual([`error Sluice: rolled back at 5 %: ${reason}`]);
    expect(annotationsOf(events, [])).toEqual([`notice Sluice: rolled back at 5 %: ${reason}`]);
  });

  it('are few, however many warnings there are', () => {
    const warnings = Array.from({ length: 50 }, () => ({ type: 'warning', at: start, message: 'x' }) as const);
    expect(annotationsOf(warnings).length).toBeLessThan(10);
  });
});

describe('the facts of the runner', () => {
  const env = {
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_REPOSITORY: 'acme/shop',
    GITHUB_RUN_ID: '16',
    GITHUB_RUN_ATTEMPT: '2',
    GITHUB_JOB: 'release',
    GITHUB_ACTION: 'canary',
    RUNNER_NAME: 'GitHub Actions 7',
    GITHUB_ACTOR: 'alice',
    GITHUB_TRIGGERING_ACTOR: 'bob',
    GITHUB_WORKSPACE: '/work',
    RUNNER_TEMP: '/temp',
  };

  it('name who started the run and where it can be seen', () => {
    expect(runnerFacts(env).startedBy).toBe('bob, https://github.com/acme/shop/actions/runs/16');
  });

  it('tell two jobs of a matrix apart', () => {
    expect(runnerFacts(env).identity).toBe('16-2-release-GitHub-Actions-7-canary');
    expect(runnerFacts({ ...env, RUNNER_NAME: 'GitHub Actions 8' }).identity).not.toBe(runnerFacts(env).identity);
  });

  it('say where the report goes', () => {
    const facts = runnerFacts(env);
    expect(reportPath('out/r.json', facts)).toBe('/work/out/r.json');
    expect(reportPath(undefined, facts)).toBe(`/temp/sluice-${facts.identity}.json`);
  });

  it('are enough outside of a runner', () => {
    expect(runnerFacts({ USER: 'carol' })).toMatchObject({ startedBy: 'carol', colour: true });
  });
});

describe('publishing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-publish-'));
  afterAll(() => rm(folder, { recursive: true }));

  it('writes the report and the plot beside it, which the post step reads again', async () => {
    const path = join(folder, 'new', 'report.json');
    await writeReport(breach, path, same);
    await writePlot(breach, path, same);
    expect(await readdir(join(folder, 'new'))).toEqual(['report.json', 'report.svg']);
    expect(await readReport(path)).toEqual(reportSchema.parse(JSON.parse(JSON.stringify(breach))));
  });

  it('follows no link that lies where it writes', async () => {
    const [path, other] = [join(folder, 'linked.json'), join(folder, 'other')];
    await writeFile(other, 'kept');
    await Promise.all([symlink(other, path), symlink(other, `${path}.new`)]);
    await writeReport(breach, path, same);
    expect(await readFile(other, 'utf8')).toBe('kept');
    expect(await readReport(path)).toEqual(reportSchema.parse(JSON.parse(JSON.stringify(breach))));
  });

  it('begins anew where the report can not be read', async () => {
    const path = join(folder, 'broken.json');
    await writeFile(path, '{');
    expect([await readReport(path), await readReport(join(folder, 'none.json'))]).toEqual([emptyReport, emptyReport]);
  });

  it('draws no plot of nothing', async () => {
    await writePlot(emptyReport, join(folder, 'empty.json'), same);
    expect(await readdir(folder)).not.toContain('empty.svg');
  });

  it('takes secrets out of everything', async () => {
    const path = join(folder, 'secret.json');
    const redact = createRedact(['checkout']);
    await writeReport(breach, path, redact);
    await writePlot(breach, path, redact);
    const added: string[] = [];
    await writeSummary(breach, { addRaw: (text) => ({ write: async () => added.push(text) }) }, redact);
    const written = [await readFile(path, 'utf8'), await readFile(join(folder, 'secret.svg'), 'utf8'), ...added];
    for (const text of written) expect(text).not.toContain('checkout');
    expect(added.join()).toContain('Rolled back at 25 %');
  });
});
