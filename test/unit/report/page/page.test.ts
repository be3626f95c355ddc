import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../../../src/report/canary-report-schema.ts';
import { emptyReport } from '../../../../src/report/empty-report.ts';
import { canaryPage } from '../../../../src/report/page/canary-page.ts';
import { drillPage } from '../../../../src/report/page/drill-page.ts';
import { gatePage } from '../../../../src/report/page/gate-page.ts';
import { seen } from '../../../../src/report/page/html.ts';
import { drillWithText } from '../../../support/drill-story.ts';
import { hostileText } from '../../../support/hostile-markdown.ts';
import { shapeOf } from '../../../support/html-shape.ts';
import { gateReport, promoted, rolledBack } from '../../../support/report-pages.ts';

const server = 'https://github.com';
const canary = (report: Report) => shapeOf(canaryPage(report, server));

/** Texts that try to be markup, an attribute, or to be read in another order than they are written. */
const anyText = fc.oneof(
  hostileText,
  fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
  fc.constantFrom(
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    '</style><script>',
    '</title></svg></pre></details>',
    '<!--',
    ']]>',
    '\u202eevil\u202c',
    '\ud800',
    '\ufdd0\uffff',
    '\u0000\u001b[31m',
    'javascript:alert(1)',
    'alice, javascript://github.com/acme/shop/actions/runs/1',
  ),
);

/** The same report with a text of others wherever a report has one. */
function withText(text: string): Report {
  const opinion = {
    check: text,
    state: 'breach',
    onBreach: 'rollback',
    progress: 1,
    sentence: text,
    figures: { canary: 2, limit: 1 },
  } as const;
  const at = 1_772_334_840_000;
  const pod = {
    pod: text,
    container: text,
    reason: text,
    message: text,
    lastLines: [text],
    events: [text],
    missing: [],
  };
  const look = { at, weight: 5, state: 'unknown', progress: 0.5, figures: { canary: 2, limit: 1 } } as const;
  const tallies = { stable: { requests: 100, errors: 1 }, canary: { requests: 10, errors: 5 } };
  return {
    ...emptyReport,
    run: {
      ...{ id: text, startedAt: at, by: text, plan: text, source: text, interval: 1_000, dryRun: false, commit: text },
      commands: { abort: text, approve: text, freeze: text },
    },
    subject: { name: text, from: text, to: text },
    found: { route: text, stable: text, canary: text, revision: text, metrics: text },
    steps: [{ weight: 5, plan: text, enteredAt: at, evidence: text, endedAt: at + 1, ...tallies, state: 'breach' }],
    points: [
      { at, weight: 5, ...tallies, progress: 1 },
      { at: at + 1_000, weight: 5, ...tallies, progress: 1 },
    ],
    weights: [{ at, weight: 5 }],
    gaps: [{ from: at, to: at + 500, reason: text }],
    checks: [{ check: text, looks: [look, { ...look, at: at + 900 }] }],
    opinions: [opinion],
    breach: { at, weight: 5, opinion },
    pods: [pod, { ...pod, missing: [text] }],
    notes: [{ at, level: 'error', text }],
    writes: [{ object: text, action: 'update', diff: text }],
    outcome: {
      ...{ endedAt: at + 2_000, verdict: 'held', reason: text, reached: 5, revision: text, digest: text },
      left: [{ object: text, shows: text }],
    },
  };
}

function gateWithText(text: string) {
  const report = gateReport('failed');
  const checks = report.checks.map((check) => ({
    ...{ ...check, name: text, kind: text, asked: text, evidence: text, sentence: text },
    gaps: check.gaps.map((gap) => ({ ...gap, reason: text })),
  }));
  return { ...report, by: text, reason: text, next: `${text}\n${text}`, checks, warnings: [{ at: 1, text }] };
}

const pages: Readonly<Record<string, (text: string) => string>> = {
  canary: (text) => canaryPage(withText(text), server),
  gate: (text) => gatePage(gateWithText(text), server),
  drill: (text) => drillPage(drillWithText(text), server),
};

describe('the text of others', () => {
  it.each(Object.entries(pages))('adds no element and no attribute to the page of a %s', (_, page) => {
    const expected = shapeOf(page('word'));
    expect(expected.errors).toEqual([]);
    fc.assert(
      fc.property(anyText, (text) => {
        const { elements, errors, text: shown } = shapeOf(page(text));
        expect(errors).toEqual([]);
        expect(shown).not.toMatch(/[\p{Cf}\0]/u);
        // Of a text in which nothing is seen, empty places are left out.
        if (seen(text).trim() !== '') expect(elements).toEqual(expected.elements);
      }),
      { numRuns: 40 },
    );
  });

  it('is shown as it was written', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { text: shown } = canary({ ...rolledBack(), gaps: [{ from: 1, to: 2, reason: `begin${text}end` }] });
        expect(shown).toContain(seen(`begin${text}end`));
      }),
      { numRuns: 20 },
    );
  });

  it('is no link, unless it is the address of a run on this server', () => {
    const links = (by: string) =>
      shapeOf(gatePage({ ...gateReport('passed'), by }, server)).elements.filter((one) => one.startsWith('a '));
    expect(links('alice, https://github.com/acme/shop/actions/runs/4711')).toEqual([
      'a href=https://github.com/acme/shop/actions/runs/4711 rel=noreferrer',
    ]);
    for (const by of [
      'x, https://evil.example/acme/shop/actions/runs/1',
      'x, javascript:alert(1)',
      'https://github.com/',
    ])
      expect(links(by)).toEqual([]);
  });
});

describe('the page of a rollout', () => {
  const { text, elements, errors } = canary(rolledBack());

  it('begins with verdict, reason, time, deciding check, versions, commit, and what to do', () => {
    const order = [
      'Rolled back at 25 %',
      'shop/checkout 1.0.0 → 1.1.0',
      'error-rate: canary',
      '03:16:22 UTC, at 25 % of the requests',
      'Check that decided',
      'de9f2c7',
      'What to do next',
      'What was measured',
      'The check that decided',
    ].map((words) => text.indexOf(words));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order).not.toContain(-1);
  });

  it('needs nothing from elsewhere, and says so to the browser', () => {
    const page = canaryPage(rolledBack(), server);
    expect(errors).toEqual([]);
    expect(page).toContain(`default-src 'none'; style-src 'sha256-`);
    expect(
      elements.filter((one) => /^(?:script|link|img|iframe|object|form)\b|\b(?:src|style|on\w+)=/.test(one)),
    ).toEqual([]);
    expect(page).not.toMatch(/@import|url\(/);
  });

  it('draws no line across a time without data, and lists it', () => {
    expect(text).toContain('No data from 03:15:01 to 03:15:26.');
    const lines = (report: Report) =>
      canary(report).elements.filter((one) => one.startsWith('path class=stable line')).length;
    const whole = { ...rolledBack(), checks: [] };
    const [gap] = whole.gaps;
    if (!gap) throw new Error('the story has no gap');
    // The same measurements, as if those after the gap had come at once.
    const points = whole.points.map((point) =>
      point.at < gap.to ? point : { ...point, at: point.at - (gap.to - gap.from) + 1_000 },
    );
    expect(lines(whole)).toBeGreaterThan(lines({ ...whole, gaps: [], points }));
    expect(canary(promoted()).text).toMatch(/None: there were never more than \d+s between two measurements\./);
  });

  it('never says that data came where they stopped without a word', () => {
    const whole = rolledBack();
    const silent = { ...whole, gaps: [], points: whole.points.slice(0, 20), breach: undefined };
    const { text: told } = canary(silent);
    expect(told).toContain('nothing was measured in this time');
    expect(told).not.toContain('None: there were');
    const empty = { requests: 0, errors: 0 };
    const idle = { ...whole, points: whole.points.map((point) => ({ ...point, stable: empty, canary: empty })) };
    expect(canary(idle).text).toContain('No requests were counted');
  });

  it('has the figures of each chart as a table, and in words', () => {
    expect(elements.filter((one) => one.startsWith('svg class=wide'))).toHaveLength(3);
    expect(elements.filter((one) => one.startsWith('svg class=narrow'))).toHaveLength(3);
    expect(text.match(/All figures of this chart/g)).toHaveLength(3);
    expect(text).toMatch(/canary: from .* % at 03:14:\d\d to .* %/);
    expect(new Set(elements.flatMap((one) => /\bid=(\S+)/.exec(one)?.[1] ?? [])).size).toBe(
      elements.filter((one) => /\bid=/.test(one)).length,
    );
  });

  it('has an end for a run without a verdict, and for one that measured nothing', () => {
    const failure = {
      endedAt: 1,
      code: 'unreachable',
      about: 'API server',
      problem: 'is away.',
      next: 'Wait.\nkind: Role',
      unchanged: true,
    };
    const failed = canary({ ...emptyReport, failure });
    expect(failed.text).toContain('Stopped, nothing was changed');
    expect(failed.text).toContain('kind: Role');
    expect(failed.elements.filter((one) => one.startsWith('svg'))).toEqual([]);
    expect(canary(emptyReport).text).toContain('Not over yet');
  });
});

describe('the page of a gate', () => {
  it.each(['passed', 'failed', 'undecided'] as const)('says that it %s, and which check decided', (verdict) => {
    const { text, errors } = shapeOf(gatePage(gateReport(verdict), server));
    expect(errors).toEqual([]);
    expect(text).toContain(`Gate: ${verdict}`);
    expect(text.includes('Check that decided')).toBe(verdict !== 'passed');
    expect(text).toContain('Times without data for errors');
  });
});
