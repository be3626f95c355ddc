import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findKind } from '../../lab/embedded/api-server/resources.ts';
import { type Lab, startLab } from '../../lab/embedded/index.ts';
import { startRelease } from '../../lab/embedded/scenarios.ts';
import { annotations, brief, expectNoSecret, scraped, shop, writesTo } from '../support/release.ts';

interface Refusal {
  readonly inputs: (lab: Lab) => Readonly<Record<string, string>>;
  /** What the one error has to say. */
  readonly says: readonly RegExp[];
  /** What the log shows to be copied. */
  readonly copied?: readonly RegExp[];
}

const readerToken = 'reader-token-8f2c';

/** What a user can get wrong: one clear error each, before the first write. */
const refusals: Readonly<Record<string, Refusal>> = {
  'a route that does not exist': {
    inputs: () => ({ route: 'virtualservice/chekout' }),
    says: [/VirtualService shop\/chekout: does not exist\./, /checkout/],
  },
  'a workload that does not exist': {
    inputs: () => ({ workload: 'deployment/chekout' }),
    says: [/Deployment shop\/chekout: does not exist\./, /checkout/],
  },
  'a namespace that does not exist': {
    inputs: () => ({ namespace: 'shopp' }),
    says: [/Deployment shopp\/checkout: does not exist\./, /Namespace shopp holds no workload/],
  },
  'a subset that does not exist': {
    inputs: () => ({ 'stable-subset': 'blue' }),
    says: [/VirtualService shop\/checkout: .*the stable arm \(checkout blue\)/, /checkout stable 100/],
  },
  'a Service that does not exist': {
    inputs: () => ({ service: 'chekout' }),
    says: [/Service shop\/chekout/, /checkout/],
  },
  'an image that runs already': {
    inputs: (lab) => ({ image: lab.stableImage }),
    says: [/Deployment shop\/checkout: .*nothing to release/],
  },
  'a kubeconfig that is garbage': {
    inputs: () => ({ kubeconfig: 'apiVersion: v1\nkind: Config\nusers: [{name: a, user: {token: hunter2-secret' }),
    says: [/input "kubeconfig": is not a kubeconfig/],
  },
  'a kubeconfig that is not there': {
    inputs: () => ({ kubeconfig: 'no/such/kubeconfig' }),
    says: [/input "kubeconfig"/, /no\/such\/kubeconfig/],
  },
  'a context that the kubeconfig does not have': {
    inputs: () => ({ context: 'production' }),
    says: [/input "context" \(production\): names no cluster; the contexts are embedded\./],
  },
  'credentials that are not accepted': {
    inputs: ({ api }) => ({ kubeconfig: api.kubeconfig().replace('embedded-admin-token', 'stolen-token-77') }),
    says: [/API server: does not accept the credentials \(401\)/, /Log in again/],
  },
  'steps that fall': {
    inputs: () => ({ steps: '25 for 5m, 5 for 2m, 100' }),
    says: [/Input "steps"/, /5 for 2m, 25 for 5m, 100/],
  },
  'several wrong inputs at once': {
    inputs: () => ({ steps: '5 for 2m, 120', 'min-requests': 'many', 'on-no-data': 'promote' }),
    says: [/"steps"/, /"min-requests"/, /"on-no-data"/, /rollback/],
  },
  'an input that is unknown': {
    inputs: () => ({ 'min-request': '10' }),
    says: [/Input "min-request" is unknown: "min-requests" is near\./],
  },
  'rights that are missing': {
    inputs: ({ api }) => ({ kubeconfig: api.kubeconfig({ user: 'reader', namespace: 'shop' }) }),
    says: [
      /permissions in the cluster: are missing: .*It is in the log and the summary, to be copied\. Nothing was changed\.$/,
    ],
    copied: [
      /kind: Role/,
      /namespace: shop/,
      /- networking\.istio\.io\n\s+resources:\n\s+- virtualservices\n\s+verbs:\n\s+- get\n\s+- patch/,
      /- coordination\.k8s\.io\n\s+resources:\n\s+- leases\n\s+verbs:\n(?:\s+- list\n)?\s+- create/,
      /- leases\n\s+resourceNames:\n\s+- sluice-checkout\n\s+verbs:\n\s+- get\n\s+- update/,
    ],
  },
  'a route that Argo CD manages': {
    inputs: () => ({ route: 'virtualservice/from-git' }),
    says: [/Argo CD \(field manager "argocd-controller"\)/],
    copied: [/ignoreDifferences/, /RespectIgnoreDifferences=true/],
  },
  'a metric that does not exist': {
    inputs: () => ({
      meter: 'prometheus',
      prometheus: 'k8s://monitoring/prometheus:9090',
      'query-requests': 'http_request_total{pod=~"$'.concat('{workload}-[a-z0-9]+-[a-z0-9]+"}'),
      'query-errors': 'http_request_total{pod=~"$'.concat('{workload}-[a-z0-9]+-[a-z0-9]+",code=~"5.."}'),
    }),
    says: [/matches no series/, /no metric http_request_total/, /Similar ones are http_requests_total/],
  },
  'a query that is padded with zeros': {
    inputs: () => ({
      meter: 'prometheus',
      prometheus: 'k8s://monitoring/prometheus:9090',
      'query-requests': 'http_requests_total{version="1.0.0"} or vector(0)',
      'query-errors': 'http_requests_total{code=~"5.."} or vector(0)',
    }),
    says: [/is padded by "or vector\(0\)"/, /Remove the padding/],
  },
  'a query that is no PromQL': {
    inputs: () => ({
      meter: 'prometheus',
      prometheus: 'k8s://monitoring/prometheus:9090',
      checks: '- check: promql\n  name: saturation\n  query: sum(http_requests_total{code="500"}\n  above: 1',
      metrics: 'http',
    }),
    says: [/is not valid PromQL/, /\^/],
  },
  'a latency bound that is no bucket': {
    inputs: () => ({ checks: '- check: latency\n  bound: 120ms' }),
    says: [/120 ?ms|0\.12/, /0\.1\b|100 ?ms/, /0\.25\b|250 ?ms/, /bucket/],
  },
};

describe.concurrent('Refused before the first write, with one error', () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await startLab({ ...shop, rate: 60 });
    await scraped(lab);
    lab.api.setUser({
      name: 'reader',
      token: readerToken,
      rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list', 'watch'] }],
    });
    const virtualService = findKind('networking.istio.io/v1', 'VirtualService');
    const route = virtualService && lab.api.storage.get(virtualService, 'shop', 'checkout');
    if (!virtualService || !route) throw new Error('the lab has no VirtualService');
    const { apiVersion, kind, spec } = structuredClone(route);
    const managed = { apiVersion, kind, spec, metadata: { name: 'from-git', namespace: 'shop' } };
    lab.api.registry.create(virtualService, 'shop', managed, { manager: 'argocd-controller' });
  });

  afterAll(async () => {
    await lab.stop();
  });

  it.each(Object.entries(refusals))('%s', async (_, { inputs, says, copied = [] }) => {
    const run = await startRelease(lab, { inputs: { ...brief, ...inputs(lab) } });
    const ended = await run.ended;
    await run.clean();

    const errors = annotations(ended, 'error');
    expect(errors, ended.log).toHaveLength(1);
    for (const part of says) expect(errors[0]).toMatch(part);
    for (const part of copied) expect(ended.log).toMatch(part);
    expect(ended.status).toBe(1);
    expect(ended.outputs.verdict ?? '').toBe('');
    expectNoSecret(ended, ['embedded-admin-token', 'hunter2-secret', 'stolen-token-77', readerToken]);
    expect(ended.log).not.toMatch(/^\s+at .*\.js:\d+/m);
    expect(writesTo(lab)).toEqual([]);
  });
});
