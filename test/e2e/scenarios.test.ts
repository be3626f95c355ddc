import { describe, expect, it } from 'vitest';
import { type Played, play, type Scenario, type ScenarioName, scenarios } from '../../lab/embedded/scenarios.ts';
import { objectOf } from '../support/release.ts';

const names = Object.keys(scenarios).filter((name): name is ScenarioName => name in scenarios);

/** The bundle as a runner runs it, against real sockets. */
describe.concurrent('npm run demo -- --scenario', () => {
  it.each(names)('%s', { timeout: 120_000 }, async (name) => {
    const scenario: Scenario = scenarios[name];
    const played = await play(name);
    try {
      const { result, ended } = played;
      expect(result, ended.log).toMatchObject({
        scenario: name,
        verdict: scenario.verdict,
        routeRestored: scenario.routeRestored,
      });
      expect(result.reason).not.toBe('');
      expect(ended.summary).toContain(`**${result.reason.slice(0, 10)}`);
      expectNoSecret(played);
      expectServed(played, scenario);
      further[name]?.(played);
    } finally {
      await played.lab.stop();
      await played.clean();
    }
  });
});

/** What else is promised of single scenarios. */
const further: Partial<Record<ScenarioName, (played: Played) => void>> = {
  healthy({ ended, result }) {
    expect(ended.status).toBe(0);
    expect(result.weightReached).toBe(100);
    expect(ended.summary).toContain('```mermaid');
    expect(ended.outputs.digest).toMatch(/^sha256:/);
  },
  'errors-100pct'({ ended, result }) {
    expect(ended.status).toBe(1);
    expect(result.weightReached).toBe(5);
    expect(result.reason).toMatch(/^error-rate: [\d,]+ of [\d,]+ canary requests failed \(100 %\)/);
  },
  'endpoint-label'({ result }) {
    expect(result.reason).toMatch(/^error-rate: \d+ of \d+ canary requests failed/);
    expect(result.canaryBad).toBeGreaterThan(0);
  },
  slow({ result }) {
    expect(result.reason).toMatch(/^latency-100ms: /);
  },
  crashloop({ result }) {
    expect(result.reason).toMatch(/^pods: /);
  },
  'no-traffic'({ result }) {
    expect(result.canaryRequests).toBe(0);
    expect(result.reason).toMatch(/not yet known/);
  },
  'status-words'({ result }) {
    expect(result.reason).toMatch(/^error-rate: .* canary requests failed \(100 %\)/);
  },
  hangs({ lab, result }) {
    expect(result.reason).toMatch(/^unanswered: .* canary requests got no answer \(100 %\)/);
    expect(result.weightReached).toBeLessThan(100);
    expect(lab.load.log.some(({ status }) => status === 0)).toBe(true);
  },
  'own-scrapes'({ result }) {
    expect(result.canaryRequests).toBe(0);
    expect(result.reason).toMatch(/not yet known: the canary got 0 of/);
  },
  'metrics-down'({ ended, result }) {
    expect(result.reason).toMatch(/not yet known/);
    expect(ended.log).toMatch(/no new data|nothing new|did not answer/i);
  },
  'late-fault'({ result }) {
    expect(result.weightReached).toBeGreaterThanOrEqual(25);
  },
  cancelled({ ended, result }) {
    expect(ended.status).toBe(1);
    expect(result.reason).toMatch(/SIGINT/);
  },
  killed({ others: [killed] }) {
    expect(killed?.status).toBeUndefined();
  },
  'foreign-edit'({ lab, result }) {
    expect(lab.canaryWeight()).toBe(10);
    expect(result.reason).toMatch(/embedded-lab/);
  },
  'admission-rewrites'({ lab, ended, result }) {
    expect(ended.outputs.left).toBe('');
    expect(result.weightReached).toBe(100);
    expect(ended.log).toContain('the stable pods run the version before');
    const stable = objectOf(lab, 'apps/v1', 'Deployment');
    expect(JSON.stringify(stable?.spec)).toContain(`"image":"${lab.stableImage}@sha256:`);
    expect(lab.load.log.slice(-20).map(({ version }) => version)).toEqual(Array(20).fill('1.0.0'));
  },
  'two-at-once'({ others: [second] }) {
    expect(second?.status).toBe(1);
    expect(second?.log).toMatch(/alice, https:\/\/github\.com\/acme\/shop\/actions\/runs\/1/);
    expect(second?.outputs.verdict).toBe('');
  },
};

function expectNoSecret({ ended, others }: Played): void {
  for (const { log, outputs, summary } of [ended, ...others]) {
    expect(log.replaceAll(/^::add-mask::.*$/gm, '')).not.toContain('embedded-admin-token');
    expect(JSON.stringify(outputs) + summary).not.toContain('embedded-admin-token');
  }
}

/** Shifting itself costs no request: each was answered by a pod. */
function expectServed({ lab }: Played, { lab: { canary, patience } }: Scenario): void {
  const lost = lab.load.log.filter(({ status, version }) => status === 0 || status === 503 || version === '');
  // A process that crashes takes the requests with it that it is working on; clients give up by themselves.
  if (!canary?.crashAfter && patience === undefined) expect(lost).toEqual([]);
}
