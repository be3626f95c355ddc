import { describe, expect, it } from 'vitest';
import type { RolloutEvent } from '../../../src/canary/events.ts';
import { sum, withEvent } from '../../../src/report/canary-report.ts';
import { reportSchema } from '../../../src/report/canary-report-schema.ts';
import { diffOf } from '../../../src/report/diff.ts';
import { emptyReport } from '../../../src/report/empty-report.ts';
import { reportOf, start, tell } from './story.ts';

const late = tell({ errors: (weight) => (weight >= 25 ? 0.2 : 0.005) });

describe('the report of a rollout', () => {
  const report = reportOf(late);

  it('has the verdict and its reason', () => {
    expect(report.outcome).toMatchObject({
      verdict: 'rolled-back',
      reached: 25,
      weight: 0,
      reason: report.outcome?.reason,
    });
    expect(report.breach?.opinion.check).toBe('error-rate');
  });

  it('has a row for each step with what was counted in it', () => {
    expect(report.steps.map(({ plan, state }) => [plan, state])).toEqual([
      ['5 for 2m', 'passed'],
      ['25 for 3m', 'breach'],
    ]);
    const [first, second] = report.steps;
    expect(first && second && sum(first, second)).toEqual(report.total);
    expect(first && (first.endedAt ?? 0) - (first.observedFrom ?? 0)).toBe(120_500);
  });

  it('has the weights as the route was told', () => {
    expect(report.weights.map(({ weight }) => weight)).toEqual([0, 5, 25, 0]);
  });

  it('survives JSON', () => {
    expect(reportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(JSON.parse(JSON.stringify(report)));
  });

  it('goes on from where another process stopped', () => {
    const half = Math.floor(late.length / 2);
    const saved = JSON.parse(JSON.stringify(reportOf(late.slice(0, half))));
    expect(late.slice(half).reduce(withEvent, reportSchema.parse(saved))).toEqual(report);
  });

  it('keeps nothing of the arms but their names', () => {
    const event = late.find((candidate) => candidate.type === 'preflight');
    if (!event) throw new Error('the story has no preflight');
    const arms = { ...event.arms, data: { secret: 'do not keep' } };
    expect(JSON.stringify(reportOf([{ ...event, arms }]))).not.toContain('do not keep');
  });

  it('stays small however long it takes, and loses no request', () => {
    const long = reportOf(tell({ errors: () => 0.004, plan: '1 for 1h, 10 for 2h, 50 for 1h, 100', load: 5 }));
    expect(long.points.length).toBeLessThanOrEqual(1_000);
    const counted = long.points.reduce(sum, { stable: { requests: 0, errors: 0 }, canary: { requests: 0, errors: 0 } });
    expect(counted).toEqual(long.total);
    // Evenly: the first hour is a quarter of the time.
    const firstHour = long.points.filter(({ at }) => at < start + 3_600_000).length;
    expect(firstHour / long.points.length).toBeGreaterThan(0.1);
    expect(firstHour / long.points.length).toBeLessThan(0.5);
    expect(long.points.every(({ at }, index) => at > (long.points[index - 1]?.at ?? 0))).toBe(true);
  });

  it('tells of silence when it begins and when it ends', () => {
    const silent = (at: number): RolloutEvent => ({
      type: 'no-data',
      at: start + at,
      weight: 5,
      reason: 'Prometheus did not answer',
      since: start,
      patience: 120_000,
    });
    const interval = late.find((event) => event.type === 'interval');
    if (!interval) throw new Error('the story has no interval');
    const events = [silent(5_000), silent(6_000), silent(7_000), { ...interval, at: start + 8_000 }, interval];
    expect(reportOf(events).notes.map(({ text }) => text)).toEqual([
      'No new data for 5s of 2m: Prometheus did not answer',
      'Data again after 8s',
    ]);
  });

  it('is there for a run that was refused before anything began', () => {
    const failed = {
      type: 'failed',
      at: start,
      code: 'not-found',
      about: 'Deployment shop/x',
      problem: 'does not exist.',
      next: 'Check the name.',
      unchanged: true,
    } as const;
    expect(withEvent(emptyReport, failed)).toMatchObject({
      failure: { code: 'not-found', endedAt: start },
      notes: [{ text: 'Deployment shop/x: does not exist. Check the name. Nothing was changed.' }],
    });
  });
});

describe('the diff of a planned write', () => {
  it('shows what changes', () => {
    const route = (weight: number) => ({ spec: { http: [{ route: [{ weight: 100 - weight }, { weight }] }] } });
    const diff = diffOf({ object: 'VirtualService shop/x', action: 'update', before: route(0), after: route(5) });
    expect(diff.split('\n').filter((line) => /^[+-]/.test(line))).toEqual([
      '-        - weight: 100',
      '-        - weight: 0',
      '+        - weight: 95',
      '+        - weight: 5',
    ]);
  });

  it('hides the values of a Secret, and tells which of them change', () => {
    const secret = (password: string) => ({
      kind: 'Secret',
      metadata: {
        name: 'x',
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': `{"password":"${password}"}` },
      },
      data: { user: 'cm9vdA==', password },
    });
    const diff = diffOf({ object: 'Secret shop/x', action: 'update', before: secret('b2xk'), after: secret('bmV3') });
    expect(diff).not.toMatch(/b2xk|bmV3|cm9vdA/);
    expect(diff).toContain('-  password: (hidden, as found)\n+  password: (hidden, changed)');
    expect(diff).toContain('   user: (hidden)');
  });

  it('shows what is new and what goes', () => {
    const after = { kind: 'Service' };
    expect(diffOf({ object: 'Service shop/x', action: 'create', before: undefined, after })).toContain(
      '+kind: Service',
    );
    expect(diffOf({ object: 'Service shop/x', action: 'delete', before: after, after: undefined })).toContain(
      '-kind: Service',
    );
  });
});
