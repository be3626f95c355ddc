import { describe, expect, it } from 'vitest';
import type { RolloutEvent } from '../../../src/canary/events.ts';
import { renderSummary } from '../../../src/report/canary-summary.ts';
import { block, code, plain, table } from '../../../src/report/markdown.ts';
import { commands, reportOf, start, tell } from './story.ts';

const late = tell({ errors: (weight) => (weight >= 25 ? 0.2 : 0.005) });

function summaryOf(events: readonly RolloutEvent[]): string {
  return renderSummary(reportOf(events));
}

function endedAs(verdict: 'frozen' | 'held'): RolloutEvent[] {
  const stopped = late.filter(({ type }) => !['breach', 'restoring', 'restored', 'ended'].includes(type));
  return [...stopped, { type: 'ended', at: start, verdict, reason: 'unsure', reached: 25, weight: 25, revision: 'r' }];
}

describe('the summary', () => {
  it('begins with the verdict and the measured reason', () => {
    const reason = reportOf(late).outcome?.reason ?? '';
    const [title, , sentence] = summaryOf(late).split('\n');
    expect(title).toBe('## ⏪ Rolled back at 25 %: shop/checkout');
    expect(sentence).toBe(`**${reason}**`);
  });

  it('says what to do next where there is something to do', () => {
    expect(summaryOf(late)).toContain("Look at the canary's logs and traces between 03:16:03 and");
    expect(summaryOf(endedAs('held'))).toContain('The canary still gets **25 %** of the requests');
    expect(summaryOf(tell({ errors: () => 0.005 }))).not.toContain('What to do next');
  });

  it('points to the pods when they were the breach', () => {
    const opinion = {
      check: 'pods',
      state: 'breach',
      onBreach: 'rollback',
      progress: 1,
      sentence: 'Pod x: OOMKilled',
      figures: {},
    } as const;
    const events = late.map((event) => (event.type === 'breach' ? { ...event, opinion } : event));
    expect(summaryOf(events)).toContain('The pods are gone. Nothing of their logs and events could be kept');
  });

  it('has a table of the steps with counts and rates of both arms', () => {
    const rows = summaryOf(late)
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    expect(rows[0]).toMatch(
      /^\| `5 for 2m` \| 2m1s \| 600 requests \| \d+ \(.*%\) \| 11,400 requests \| .* \| ✅ passed \|$/,
    );
    expect(rows[1]).toMatch(/^\| `25 for 3m` \| .* \| ⛔ breach \|$/);
  });

  it('has the commands to steer it as long as it is not over', () => {
    const running = late.slice(0, 40);
    for (const command of Object.values(commands)) {
      expect(summaryOf(running)).toContain(command);
      expect(summaryOf(late)).not.toContain(command);
    }
  });

  it('says of a refusal what was wrong, what to do, and that nothing was changed', () => {
    const failed = {
      type: 'failed',
      at: start,
      code: 'not-found',
      about: 'VirtualService shop/x',
      problem: 'does not exist.',
      next: 'Check the name.',
      unchanged: true,
    } as const;
    const text = summaryOf([failed]);
    expect(text).toContain('nothing was changed');
    expect(text).toContain('**VirtualService shop/x: does not exist.**');
    expect(text).toContain('- Check the name.');
  });

  it('says of a failure midway where the route was left', () => {
    const failed = {
      type: 'failed',
      at: start,
      code: 'unreachable',
      about: 'API server',
      problem: 'is away.',
      next: 'Check it.',
      unchanged: false,
    } as const;
    expect(summaryOf([...late.slice(0, 20), failed])).toContain('last seen with **5 %** for the canary');
  });

  it('shows the diffs of a dry run', () => {
    const [started] = late;
    if (started?.type !== 'started') throw new Error('the story does not start');
    const write = {
      object: 'VirtualService shop/x',
      action: 'update',
      before: { weight: 0 },
      after: { weight: 5 },
    } as const;
    const text = summaryOf([
      { ...started, dryRun: true },
      { type: 'planned', at: start, weight: 5, later: false, write },
    ]);
    expect(text).toContain('1 write would be made for the first step. Nothing was changed.');
    expect(text).toContain('```diff\n@@ -1,1 +1,1 @@\n-weight: 0\n+weight: 5\n```');
    expect(text).not.toContain(commands.abort);
  });

  it('counts the writes of a dry run that come for sure apart from those that only may', () => {
    const [started] = late;
    if (started?.type !== 'started') throw new Error('the story does not start');
    const planned = (weight: number, later: boolean) =>
      ({
        type: 'planned',
        at: start,
        weight,
        later,
        write: { object: 'VirtualService shop/x', action: 'update', before: { weight: 0 }, after: { weight } },
      }) as const;
    const text = summaryOf([{ ...started, dryRun: true }, planned(5, false), planned(25, true), planned(100, true)]);
    expect(text).toContain(
      '1 write would be made for the first step, and up to 2 writes after it, as far as the canary does well. Nothing was changed.',
    );
    expect(text.indexOf('for 25 %')).toBeGreaterThan(text.indexOf('What would follow'));
  });

  it('is headed by what is released: the workload, both versions, the commit', () => {
    const [started, preflight, ...rest] = late;
    if (started?.type !== 'started' || preflight?.type !== 'preflight') throw new Error('the story does not start');
    const arms = { ...preflight.arms, versions: { stable: '1.0.0', canary: '1.1.0' } };
    const text = summaryOf([
      { ...started, arms, commit: '5f70bf18a086007016e948b04aed3b82103a36be' },
      { ...preflight, arms },
      ...rest,
    ]);
    expect(text.split('\n')[0]).toBe('## ⏪ Rolled back at 25 %: shop/checkout 1.0.0 → 1.1.0 (commit 5f70bf1)');
  });

  it('keeps what the pods wrote last, their events and exit codes: they are gone', () => {
    const details = [
      {
        pod: 'checkout-canary-1',
        container: 'app',
        reason: 'CrashLoopBackOff',
        message: '',
        exitCode: 3,
        lastLines: ['reading config', 'no such file: ``` <b>'],
        events: ['BackOff: Back-off restarting failed container (7 times)'],
        missing: [],
      },
      {
        pod: 'checkout-canary-2',
        reason: 'Unready',
        message: '',
        lastLines: [],
        events: [],
        missing: ["its log can't be read: no"],
      },
    ];
    const text = summaryOf([...late.slice(0, -1), { type: 'pod-details', at: start, details }, ...late.slice(-1)]);
    expect(text).toContain('Pod checkout-canary-1/app CrashLoopBackOff, exit code 3');
    expect(text).toContain('````text\nreading config\nno such file: ``` <b>\n````');
    expect(text).toContain('- BackOff: Back-off restarting failed container (7 times)');
    expect(text).toContain("its log can't be read: no");
    expect(text).not.toContain('kubectl logs');
  });

  it('says of a first release that there was nothing to compare with', () => {
    const [started] = late;
    if (started?.type !== 'started') throw new Error('the story does not start');
    const first = { type: 'first-release', at: start, about: 'Deployment shop/checkout', deploys: false } as const;
    const text = summaryOf([started, first]);
    expect(text.split('\n')[0]).toBe('## 🌱 First release: Deployment shop/checkout');
    expect(text).toContain('nothing to compare with; it is left to the steps that follow to deploy it');
  });

  it('says what was not looked at where requests are not counted', () => {
    const [started, ...rest] = late;
    if (started?.type !== 'started') throw new Error('the story does not start');
    const text = summaryOf([{ ...started, uncounted: true }, ...rest]);
    expect(text).toContain('Not looked at, as requests are not counted (`meter: none`): errors, latency');
  });

  it('tells the one weight that the route shows where somebody else has changed it', () => {
    const ended = {
      type: 'ended',
      at: start,
      verdict: 'frozen',
      reason: 'somebody changed the weights',
      reached: 5,
      weight: 10,
      revision: 'r',
    } as const;
    const text = summaryOf([...late.slice(0, 4), ended]);
    expect(text).toContain('## 🧊 Frozen at 10 %');
    expect(text).toContain('The canary still gets **10 %**');
    expect(text).not.toContain('5 %**');
    const { weight: _, ...unknown } = ended;
    expect(summaryOf([...late.slice(0, 4), unknown])).toMatch(/## 🧊 Frozen:?[^%]*\n/);
  });

  it('has what there is to copy as a block: a Role with its binding, an ignore rule', () => {
    const text = summaryOf([
      {
        type: 'failed',
        at: start,
        code: 'forbidden',
        about: 'permissions',
        problem: 'are missing.',
        next: 'Add this Role:\nkind: Role\nrules:\n  - verbs: ["get"]\n',
        unchanged: true,
      },
    ]);
    expect(text).toContain('- Add this Role:\n\n  ```yaml\n  kind: Role\n  rules:\n    - verbs: ["get"]\n  ```');
  });

  it('stays below 1 MiB, whatever happened', () => {
    const noise = Array.from(
      { length: 5_000 },
      (_, index) => ({ type: 'warning', at: start, message: `${index} ${'ü'.repeat(500)}` }) as const,
    );
    const after = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`key-${index}`, 'x'.repeat(100)]));
    const writes = Array.from(
      { length: 10 },
      () =>
        ({
          type: 'planned',
          at: start,
          weight: 5,
          later: false,
          write: { object: 'ConfigMap a/b', action: 'create', before: undefined, after },
        }) as const,
    );
    expect(Buffer.byteLength(summaryOf([...late, ...noise]))).toBeLessThan(100_000);
    expect(Buffer.byteLength(summaryOf([...writes, ...late]))).toBeLessThan(1_048_576);
  });

  it('takes what others wrote for text', () => {
    const message = '# title\n<img src=x> [link](https://evil.example/) `code` | cell';
    const text = summaryOf([{ type: 'warning', at: start, message }]);
    expect(text).toContain('\\# title &lt;img src=x&gt; \\[`link](https://evil.example/`) \\`code\\` &#124; cell');
  });
});

describe('Markdown', () => {
  it('shows addresses to be copied, and escapes all around them', () => {
    expect(plain('see https://github.com/acme/my_shop now_')).toBe('see `https://github.com/acme/my_shop` now\\_');
    expect(plain('by @alice (#12, a/b#3, deadbeef, a@sha256:1).')).toBe(
      'by \\@\u200balice (`#12`, `a/b#3`, `deadbeef`, `a@sha256:1`).',
    );
  });

  it('has code with backticks in it', () => {
    expect(code('a `b` c')).toBe('`` a `b` c ``');
    expect(block('', 'x\n```\ny')).toBe('````\nx\n```\ny\n````');
  });

  it('has bars inside of cells', () => {
    expect(
      table(['a'], [['`x|y`'], ['p\\|q']])
        .split('\n')
        .slice(2),
    ).toEqual(['| `x\\|y` |', '| p\\|q |']);
  });
});
