// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are what users write
import { describe, expect, it } from 'vitest';
import { loadCheck } from '../../../../../src/actions/checks/kinds/load.ts';
import { createClient } from '../../../../../src/cluster/client.ts';
import { Credentials } from '../../../../../src/cluster/credentials.ts';
import { connect } from '../../../../../src/cluster/transport.ts';
import { builtCheck, checkPlace, checkProblem } from '../../../../support/check-place.ts';

const base = 'check: load, requests: [GET /a], limit: 1%';
const url = `${base}, url: "https://shop.example"`;
const service = `${base}, service: "shop:80"`;
const signal = new AbortController().signal;

function placeWithCluster() {
  const cluster = { name: '', server: 'https://kubernetes.example', skipTLSVerify: false };
  const nobody = new Credentials({ context: { name: '', namespace: undefined }, cluster, user: undefined });
  const client = createClient(connect(nobody, {}));
  return checkPlace({ client, world: { client } });
}

describe('a check by requests of our own', () => {
  it.each([
    [base, 'needs one of "url", "service"'],
    [`${url}, service: "a:80"`, 'needs one of "url", "service"'],
    ['check: load, url: "https://a.example", limit: 1%', '"requests": is missing'],
    ['check: load, url: "https://a.example", requests: [], limit: 1%', 'needs a request'],
    ['check: load, url: "https://a.example", requests: [GET a], limit: 1%', 'must be a method and a path'],
    ['check: load, url: "https://a.example", requests: [HEAD /a], limit: 1%', 'must be a method and a path'],
    ['check: load, url: "https://a.example", requests: [GET /a/../b], limit: 1%', 'without ".."'],
    ['check: load, url: "https://a.example", requests: [GET /a/%2E%2e/b], limit: 1%', 'without ".."'],
    ['check: load, url: "https://a.example", requests: [GET /a], limit: 100%', 'accepts everything'],
    ['check: load, url: "https://a.example", requests: [GET /a]', 'needs either "limit"'],
    ['check: load, url: "https://a.example", requests: [{request: GET /a, body: x}], limit: 1%', '"body" with GET'],
    ['check: load, url: "https://a.example", requests: [{request: GET /a, status: 20}], limit: 1%', 'a status'],
    [`${url}, rate: 20`, 'must be a rate such as 20/s'],
    [`${url}, rate: 0/s`, 'is no rate such as 20/s'],
    [`${url}, rate: 1001/s`, 'has a "rate" above 1,000/s'],
    [`${service}, rate: 101/s`, 'has a "rate" above 100/s'],
    [`${url}, rate: 1/m`, 'sends no request'],
    [`${url}, for: 500ms`, 'less than 1s'],
    [`${url}, timeout: 0s`, 'no answer comes'],
    [`${url}, for: 20s, timeout: 10s`, 'at most 28s together'],
    [`${url}, slower-than: 5s`, 'not below "timeout"'],
    [`${url}, headers: {Authorization: Bearer x}`, 'Authorization may be secret'],
    [`${url}, headers: {X-Sluice-Load: "1"}`, 'is what marks these requests'],
    [`${url}, headers: {"a b": x}`, '"headers'],
    [`${url}, headers: {x-a: "1\\n2"}`, 'plain letters'],
    [`${service}, headers: {Impersonate-User: admin}`, 'which the API server keeps'],
    [`${service}, headers: {Host: a.example}`, 'which the API server keeps'],
    [`${url}, canary-headers: {x-canary: "1"}`, 'without "relative-to: stable"'],
    ['check: load, url: "https://a.example", requests: [GET /a], relative-to: stable', 'asks both versions the same'],
    ['check: load, url: "https://a.example", requests: [GET /a], relative-to: before, before: 1d', 'must be stable'],
    [`${url}, windw: 1m`, 'unknown key'],
  ])('{%s} is refused', (yaml, problem) => {
    expect(checkProblem(`- {${yaml}}`)).toContain(problem);
  });

  it('tells all that is wrong at once', () => {
    const problem = checkProblem(
      '- {check: load, url: "https://a.example", requests: [a, GET /b/..], rate: fast, for: soon}',
    );
    for (const part of ['requests.0', 'requests.1', '"fast" is no rate', '"soon" is no duration'])
      expect(problem).toContain(part);
  });

  it('asks a Service through the API server, with the rights for its methods', () => {
    const yaml = '- {check: load, service: "user-service:8080", requests: [GET /a, "POST /b?token=s3cret"], limit: 1%}';
    const { source } = builtCheck(yaml, placeWithCluster());
    expect(source.asked).toBe('10 requests a second to the service at k8s://shop/user-service:8080: GET /a, POST /b');
    expect(source.permissions).toEqual([
      { apiGroup: '', resource: 'services', subresource: 'proxy', verbs: ['get', 'create'], namespace: 'shop' },
    ]);
  });

  it('is read as its example is written', () => {
    expect(builtCheck(`- ${loadCheck.example}`, placeWithCluster()).source.asked).toContain('20 requests a second');
  });

  it('says beforehand what it can find, and warns where it sends too few', async () => {
    const { source } = builtCheck(`- {${url}, rate: 60/m}`);
    const { evidence, warnings } = await source.preflight(signal);
    expect(evidence).toMatch(
      /each look sends 10 requests of its own in 10s, marked x-sluice-load: local; to find a rate of 5 % takes \d+$/,
    );
    expect(warnings).toEqual([expect.stringMatching(/^at most 60 requests are sent, too few to pass/)]);
    const enough = builtCheck(`- {${url}, rate: 50/s}`);
    expect((await enough.source.preflight(signal)).warnings).toEqual([]);
  });

  it('asks each version by its name, and compares them', async () => {
    const yaml = '- {check: load, url: "https://${workload}.example", requests: [GET /a], relative-to: stable}';
    const place = { ...checkPlace(), expand: (text: string, arm: string) => text.replace('${workload}', arm) };
    const { source, reference } = builtCheck(yaml, place);
    expect(source.asked).toContain('https://canary.example');
    expect(reference && 'source' in reference && reference.source.asked).toContain('https://stable.example');
  });

  it('says that a header alone does not show which version answers', async () => {
    const yaml = `check: load, url: "https://a.example", requests: [GET /a], relative-to: stable, rate: 90/s, canary-headers: {x-canary: "1"}`;
    const { source } = builtCheck(`- {${yaml}}`);
    expect((await source.preflight(signal)).warnings).toEqual([
      expect.stringContaining('which version answers is not seen'),
    ]);
    const told = builtCheck(`- {${yaml}, answers-with: {x-version: v2}}`);
    expect((await told.source.preflight(signal)).warnings).toEqual([]);
  });

  it('refuses an address that is none, or a rate that the API server can not take', () => {
    expect(() => builtCheck(`- {${base}, service: shop}`, placeWithCluster())).toThrow('is not of the form NAME:PORT');
    expect(() => builtCheck(`- {${base}, url: "k8s://a/b:1"}`)).toThrow('is no http(s) URL');
    expect(() => builtCheck(`- {${base}, url: "https://u:p@a.example"}`)).toThrow('holds credentials');
  });
});
