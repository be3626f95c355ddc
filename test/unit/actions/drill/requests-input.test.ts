import { describe, expect, it } from 'vitest';
import { requestsInput } from '../../../../src/actions/drill/requests-input.ts';
import { checkPlace } from '../../../support/check-place.ts';

const load = 'check: load\nurl: https://shop.example.com\nrequests: [GET /]\nrate: 20/s';
function problemOf(text: string): string {
  const { error } = requestsInput.schema.safeParse(text);
  return error?.issues.map(({ message }) => message).join('; ') ?? '';
}

describe('the requests of a drill', () => {
  it.each([
    [load, 'load', 'own', 5_000],
    ['{check: requests, metrics: istio, workload: deployment/checkout}', 'requests', 'counted', 15_000],
    ['{check: ratio, total: http_total, bad: http_errors}', 'ratio', 'counted', 15_000],
  ])('%s needs no limit', (text, check, kind, resolution) => {
    const input = requestsInput.schema.parse(text);
    expect(input.check).toBe(check);
    const requests = input.build(checkPlace(), { interval: 15_000, control: undefined });
    expect(requests).toMatchObject({ kind, resolution });
    expect(requests.asked).not.toContain('limit');
  });

  it.each([
    [`${load}\nlimit: 1%`, 'has "limit", which is of a gate: what is accepted stands in "targets".'],
    [`${load}\nrelative-to: stable`, 'has "relative-to", which is of a gate'],
    ['{check: ratio, total: a, bad: b, on-breach: warn}', 'has "on-breach", which is of a gate'],
    ['{check: load, url: [}', 'is not YAML: '],
    ['- check: load', 'is not a YAML map with "check: load", "check: requests" or "check: ratio".'],
    ['load', 'is not a YAML map'],
    ['{url: a}', 'it: needs "check", which is one of load, requests or ratio.'],
    ['{check: promql, query: a}', 'it: "promql" is not one of load, requests or ratio.'],
    [
      '{check: load, requests: [GET /]}',
      'needs one of "url", "service" (NAME:PORT, through the API server) and "from"',
    ],
    ['{check: load, urll: a, requests: [GET /]}', 'it (load) has the unknown key "urll"; "url" is near'],
    ['{check: ratio, total: a}', 'it (ratio) needs either "bad" or "good"'],
    ['a'.repeat(20_001), 'has more than 20,000 characters.'],
  ])('%.60s is refused', (text, problem) => {
    expect(problemOf(text)).toContain(problem);
  });
});
