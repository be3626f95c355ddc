import { expect, it } from 'vitest';
import { builtCheck, checkProblem } from '../../../../support/check-place.ts';

it('asks an Alertmanager, or the rules of Prometheus', () => {
  const built = builtCheck(`[{check: alerts, matching: ['service="checkout"', severity=~"page|critical"]}]`);
  expect(built.source.asked).toBe(
    'alerts {service="checkout", severity=~"page|critical"} of Alertmanager http://alertmanager.example',
  );
  expect(built.window).toBe(300_000);
  expect(builtCheck('[{check: alerts, from: am-eu, matching: severity=page}]').source.asked).toContain('am-eu.example');
  const rules = builtCheck('[{check: alerts, from: prometheus, matching: severity=page, pending: true}]');
  expect(rules.source.asked).toBe('alerts {severity="page"} of Prometheus http://prometheus.example');
  expect(builtCheck('[{check: alerts, matching: a=b, only-new: true, window: 1h}]').window).toBe(3_600_000);
});

it('fails with what its source sees', () => {
  const { rule } = builtCheck('[{check: alerts, matching: severity=page}]');
  rule.add({ kind: 'sightings', sightings: [] }, undefined, 0);
  expect(rule.finding()).toMatchObject({ state: 'healthy', sentence: 'no matching alert fires' });
  rule.add({ kind: 'missing', reason: 'it is away' }, undefined, 1);
  expect(rule.finding()).toMatchObject({ state: 'unknown' });
  rule.add({ kind: 'sightings', sightings: [{ text: 'alert A fires' }] }, undefined, 2);
  expect(rule.finding()).toMatchObject({ state: 'breach', sentence: 'alert A fires' });
});

it.each([
  ['{check: alerts}', '"matching": is missing'],
  ['{check: alerts, matching: []}', '"matching": needs at least one matcher'],
  ['{check: alerts, matching: "service=="}', 'value of service is missing, or needs double quotes'],
  ['{check: alerts, matching: [a=b, "severity=~\\"(\\""]}', 'regular expression "("'],
  ['{check: alerts, matching: a=b, pending: true}', '"pending" needs "from: prometheus"'],
  ['{check: alerts, matching: a=b, from: prometheus, heartbeat: Watchdog}', '"heartbeat" has no effect'],
  ['{check: alerts, matching: a=b, window: 5m}', '"window" has no effect without "only-new: true"'],
  ['{check: alerts, matching: a=b, ignore: Watchdog}', '"ignore": must be a list'],
  ['{check: alerts, matching: a=b, silenced: true}', 'unknown key "silenced"'],
])('%s is refused', (check, problem) => {
  expect(checkProblem(`[${check}]`)).toContain(problem);
});
