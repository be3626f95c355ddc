import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { programPath } from '../../lab/cluster/programs.ts';
import { createPrometheusApi } from '../../src/meters/prometheus/api.ts';
import { type Comparison, compare, type Severity } from '../oracle/sloth/compare.ts';
import { generateCase, kinds, pairs } from '../oracle/sloth/series.ts';
import { evaluateRules } from '../oracle/sloth/server.ts';
import { builtCheck, checkPlace } from '../support/check-place.ts';
import { converted } from '../support/objectives.ts';

/**
 * Sloth's rules, evaluated by a real Prometheus, say what the gate's burn rates have to say of the same series at the same instant.
 * Sluice reads the very file that Sloth made its rules of. `npm run test:real -- burn-rate` compares 1,000 cases.
 */
const CASES = Number(process.env.SLUICE_ORACLE_CASES ?? 20);
const SEED = Number(process.env.SLUICE_ORACLE_SEED ?? 1);
/** Milliseconds of a round, on a machine on which much else runs. */
const TIMEOUT = 240_000;
const prometheus = programPath('prometheus');

const text = readFileSync(join(import.meta.dirname, '../oracle/sloth/objectives.yaml'), 'utf8');
const budgets = z
  .object({ slos: z.array(z.object({ objective: z.number() })) })
  .parse(parse(text))
  .slos.map(({ objective }) => Number(((100 - objective) / 100).toPrecision(10)));
/** The checks that the objectives become, each with the windows of the alerts that wake somebody. */
const checks = z
  .array(z.looseObject({ name: z.string(), period: z.string() }))
  .parse(parse(converted(text, { kinds: new Set(['burn-rate', 'ratio', 'promql']) }).written));

/** A check as it is, or with the windows of the alerts that can wait until the morning. */
function checkFor(severity: Severity, index: number): string {
  const { period, ...check } = checks[index] ?? expect.fail(`there is no objective ${index}`);
  return JSON.stringify([severity === 'page' ? { ...check, period } : { ...check, windows: ticketWindows }]);
}
const ticketWindows = pairs.ticket.map(({ short, long, above }) => ({
  short: `${short / 3_600_000}h`,
  long: `${long / 3_600_000}h`,
  above,
}));

/** As many cases as there are objectives, on a Prometheus of their own. */
async function compareRound(round: number, cases: number, signal: AbortSignal): Promise<Comparison[]> {
  const now = Date.now();
  const generated = budgets.slice(0, cases).map((budget, index) =>
    generateCase({
      index,
      kind: kinds[(index + 3 * round) % kinds.length] ?? 'burst',
      budget,
      isSeparate: text.includes(`failures_total{case="${index}"}`),
      now,
      seed: SEED * 1_000_003 + round * budgets.length + index,
    }),
  );
  await using server = await evaluateRules(
    prometheus,
    new Map(generated.map(({ series }, index) => [`${index}`, series])),
    signal,
  );
  const place = {
    ...checkPlace(),
    prometheus: () => createPrometheusApi({ address: server.address }, { env: {} }),
  };
  const compared: Comparison[] = [];
  for (const [index, one] of generated.entries()) {
    const evaluated = server.evaluated.get(`case-${index}`) ?? expect.fail(`case ${index} is not evaluated`);
    for (const severity of ['page', 'ticket'] as const) {
      const { source, rule } = builtCheck(checkFor(severity, index), place);
      const look = await source.look({ from: evaluated.at - 1, to: evaluated.at }, signal);
      rule.add(look, undefined, 0);
      const name = `round ${round}, case ${index} (${one.kind}), ${severity}`;
      const { state } = rule.finding();
      compared.push(compare({ name, severity, case: one, budget: budgets[index] ?? 0, evaluated, look, state }));
    }
  }
  return compared;
}

describe.skipIf(!existsSync(prometheus))(
  `the gate says of ${CASES} generated series what Sloth's rules say (skipped where it is not built: npm run lab -- build prometheus)`,
  () => {
    const all: Comparison[] = [];
    const rounds = Array.from({ length: Math.ceil(CASES / budgets.length) }, (_, round) => round);

    it.each(rounds)('round %i', { timeout: TIMEOUT }, async (round) => {
      const cases = Math.min(budgets.length, CASES - round * budgets.length);
      const compared = await compareRound(round, cases, AbortSignal.timeout(TIMEOUT));
      all.push(...compared);
      expect(compared.filter(({ result }) => result === 'different')).toEqual([]);
    });

    it('both answers occur, also close to the limits, or nothing is compared', () => {
      const those = (result: Comparison['result']) => all.filter((one) => one.result === result);
      const near = all.filter(({ isNear, result }) => isNear && result !== 'undecided').length;
      const [firing, quiet, undecided] = [those('firing'), those('quiet'), those('undecided')].map(
        ({ length }) => length,
      );
      console.log(
        `${all.length / 2} series, alerts of two severities: ${firing} fire, ${quiet} are silent (${near} of both within 2 % of a limit), ${undecided} undecided`,
      );
      expect(firing).toBeGreaterThanOrEqual(CASES / 5);
      expect(quiet).toBeGreaterThanOrEqual(CASES / 3);
      expect(near).toBeGreaterThanOrEqual(CASES / 10);
    });
  },
);
