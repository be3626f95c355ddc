// biome-ignore-all lint/suspicious/noTemplateCurlyInString: query placeholders are what users write
import { describe, expect, it } from 'vitest';
import { expectServed, inLab } from '../support/release.ts';

/** A check of its own requests, for a service without users whose requests nobody counts. */
const load = {
  meter: 'none',
  steps: '30 for 5s, 100',
  checks:
    '- {check: load, service: "${service}:80", requests: [GET /a], rate: 80/s, for: 3s, limit: 5%, must-detect: 30%}',
};

describe.concurrent('A canary with checks that ask something else than its meter', () => {
  it('is rolled back by requests of its own, where users send none', async () => {
    await inLab({ rate: 0, canary: { errorRate: 0.5 } }, async ({ lab, release }) => {
      const { status, outputs, log, summary } = await release({ inputs: load });
      expect(outputs, log).toMatchObject({ verdict: 'rolled-back' });
      expect(outputs.reason).toMatch(/^load: .* own requests failed .*limit 5 %/);
      expect(summary).toContain('own requests failed');
      expect(status).toBe(1);
      expect(lab.canaryWeight()).toBe(0);
    });
  });

  it('is promoted by them as well, and the log says how many were sent', async () => {
    await inLab({ rate: 0 }, async ({ release }) => {
      const { status, outputs, log } = await release({ inputs: load });
      expect(outputs, log).toMatchObject({ verdict: 'promoted' });
      expect(log).toMatch(/load: 0 of \d+ own requests failed/);
      expect(log).toMatch(/each look sends 240 requests of its own in 3s, marked x-sluice-load/);
      expect(status).toBe(0);
    });
  });

  it('is refused before anything is written, where a check can not be asked', async () => {
    await inLab({}, async ({ lab, release }) => {
      const checks = '- error-rate\n- {check: loki, query: "{app=\\"shop\\"} |= \\"error\\"", most: 0}';
      const { status, outputs, log } = await release({ inputs: { checks } });
      expect(status).toBe(1);
      expect(log).toContain('A check asks Loki, and nothing says where it is. Give "connections" with loki: ADDRESS.');
      const away = await release({ inputs: { checks, connections: 'loki: http://127.0.0.1:1' } });
      expect(away.outputs.verdict, away.log).toBe('');
      expect(away.log).toContain('Loki');
      expect(outputs.verdict).toBe('');
      expect(lab.canaryWeight()).toBe(0);
      expectServed(lab);
    });
  });
});
