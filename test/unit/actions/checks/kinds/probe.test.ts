import { describe, expect, it } from 'vitest';
import { probeCheck } from '../../../../../src/actions/checks/kinds/probe.ts';
import { createClient } from '../../../../../src/cluster/client.ts';
import { Credentials } from '../../../../../src/cluster/credentials.ts';
import { connect } from '../../../../../src/cluster/transport.ts';
import { builtCheck, checkPlace, checkProblem } from '../../../../support/check-place.ts';

describe('a probe', () => {
  it.each([
    ['{check: probe}', 'needs one of "url", "service"'],
    ['{check: probe, url: "https://a.example", service: "b:80"}', 'needs one of "url", "service"'],
    ['{check: probe, url: "ftp://a.example"}', 'must be a URL'],
    ['{check: probe, url: "https://u:p@a.example"}', 'has a login in "url"'],
    ['{check: probe, url: "https://a.example/x", path: /y}', 'leave "path" out'],
    ['{check: probe, service: b}', 'needs the port of "service"'],
    ['{check: probe, service: "b:80", path: health}', 'must begin with a slash'],
    ['{check: probe, service: "b:80", status: 20}', 'must be a status'],
    [
      '{check: probe, service: "b:80", json: [{path: $.a}]}',
      'needs "equals", "not-equals", "matches", "above", "below"',
    ],
  ])('%s is refused', (yaml, problem) => {
    expect(checkProblem(`- ${yaml}`)).toContain(problem);
  });

  it('asks the origin of its URL, with the rest as path', () => {
    const { source } = builtCheck('- {check: probe, url: "https://shop.example/health?full=1"}');
    expect([source.asked, source.permissions]).toEqual([
      'GET /health?full=1 of the service at https://shop.example',
      [],
    ]);
  });

  it('asks a Service through the API server, with the right for that', () => {
    const cluster = { name: '', server: 'https://kubernetes.example', skipTLSVerify: false };
    const nobody = new Credentials({ context: { name: '', namespace: undefined }, cluster, user: undefined });
    const client = createClient(connect(nobody, {}));
    const place = checkPlace({ client, world: { client } });
    const { source, rule } = builtCheck(`- ${probeCheck.example}`, place);
    expect(source.asked).toBe('GET /health of the service at k8s://shop/user-service:8080');
    expect(source.permissions).toMatchObject([{ resource: 'services', subresource: 'proxy', namespace: 'shop' }]);
    const states = [1, 2, 3].map((at) => {
      rule.add({ kind: 'sightings', sightings: [{ text: 'HTTP 503' }] }, undefined, at);
      return rule.finding().state;
    });
    expect(states).toEqual(['unknown', 'unknown', 'breach']);
  });
});
