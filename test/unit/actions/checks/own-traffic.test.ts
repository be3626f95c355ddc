import { describe, expect, it } from 'vitest';
import { gateChecks } from '../../../../src/actions/checks/kinds/index.ts';
import { ownTrafficProblems, tellingOwn } from '../../../../src/actions/checks/own-traffic.ts';
import { noData } from '../../../../src/judge/looks/look.ts';

const others = `
- {check: ratio, name: errors, total: a, bad: b, limit: 1%}
- {check: promql, name: p99, query: c, above: 1}
- {check: events, workload: deployment/a, most: 0}
- {check: probe, name: health, url: "https://a.example"}
`;
const checksWith = (named: string) =>
  gateChecks.schema.parse(
    `${others}- {check: load, url: "https://a.example", requests: [GET /a], limit: 1%${named}}\n`,
  );

describe('requests of our own beside checks of users', () => {
  it('are none without a check that sends them', () => {
    expect(ownTrafficProblems(gateChecks.schema.parse(others))).toEqual([]);
  });

  it('are refused where nobody says which checks count them', () => {
    const [problem, ...more] = ownTrafficProblems(checksWith(''));
    expect(problem).toMatch(
      /^Requests of "load" may be counted by errors or p99 as those of users: leave them out there .*"not-seen-by"/,
    );
    expect(more).toEqual([]);
    expect(ownTrafficProblems(checksWith(', not-seen-by: [errors]'))).toEqual([
      expect.stringContaining('counted by p99'),
    ]);
  });

  it.each([
    [', seen-by: [errors, p99], not-seen-by: [errors]', 'both in "seen-by" and in "not-seen-by"'],
    [', not-seen-by: [errors, p99, health]', 'says what health sees'],
    [', not-seen-by: [errors, p99, latency]', 'says what latency sees'],
  ])('%s is refused', (named, problem) => {
    expect(ownTrafficProblems(checksWith(named))).toEqual([expect.stringContaining(problem)]);
  });

  it('are told in the words of each check that may count them', () => {
    const checks = checksWith(', seen-by: [p99], not-seen-by: [errors]');
    expect(ownTrafficProblems(checks)).toEqual([]);
    const rule = { add: () => undefined, finding: () => noData('0.2') };
    const told = (name: string) => tellingOwn(rule, name, checks).finding().sentence;
    expect(told('p99')).toBe("0.2; requests of load are among them, and not only users'");
    expect(told('errors')).toBe('0.2');
  });
});
