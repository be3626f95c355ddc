// biome-ignore-all lint/suspicious/noTemplateCurlyInString: query placeholders
import { describe, expect, it } from 'vitest';
import { sharedKinds } from '../../../../src/actions/canary/checks-input.ts';
import { judgeSettings, shareOf, watchedChecks } from '../../../../src/actions/canary/judge-settings.ts';
import { loadInputs } from '../../../../src/actions/canary/load-inputs.ts';
import { meterOptions } from '../../../../src/actions/canary/meter-options.ts';
import { rolloutSettings, startWarnings, targetOf } from '../../../../src/actions/canary/rollout-settings.ts';
import { routerOptions } from '../../../../src/actions/canary/router-options.ts';
import { checkKinds } from '../../../../src/actions/checks/kinds/index.ts';
import { POD_CHECK } from '../../../../src/canary/observation/pod-check.ts';

const place = {
  namespace: 'shop',
  workloads: {
    stable: { kind: 'Deployment' as const, name: 'checkout-v1', pods: 'app=checkout,version=v1' },
    canary: { kind: 'Deployment' as const, name: 'checkout-v2', pods: 'app=checkout,version=v2' },
  },
};

function load(given: Readonly<Record<string, string>>, files: Readonly<Record<string, string>> = {}) {
  return loadInputs({
    env: Object.fromEntries(Object.entries(given).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
    readFile: async (path) => files[path] ?? Promise.reject(new Error(path)),
    glob: async () => Object.keys(files),
    mask: () => undefined,
  });
}

const steps = '5 for 2m, 25 for 2m to 5m, 100';
const one = { workload: 'deployment/checkout', image: 'checkout:2', service: 'checkout', steps };
const two = {
  stable: 'deployment/checkout-v1',
  canary: 'deployment/checkout-v2',
  'stable-service': 'checkout-v1',
  'canary-service': 'checkout-v2',
  steps,
};
const shared = { stable: two.stable, canary: two.canary, service: 'checkout', steps };

async function router(given: Readonly<Record<string, string>>) {
  return routerOptions((await load(given)).inputs, place);
}

async function meter(given: Readonly<Record<string, string>>) {
  return meterOptions((await load(given)).inputs, place);
}

describe('the router that the inputs ask for', () => {
  const common = { namespace: 'shop', gitops: 'refuse' };

  it('is Istio with subsets of one host', async () => {
    const given = {
      ...shared,
      route: 'virtualservice/x',
      'stable-subset': 'v1',
      'canary-subset': 'v2',
      service: 'checkout:80',
    };
    expect(await router({ ...given, 'route-rules': 'primary, http[1]' })).toEqual({
      ...common,
      kind: 'istio',
      name: 'x',
      canaryIsCreated: false,
      rules: ['primary', 'http[1]'],
      stable: { host: 'checkout', port: 80, subset: 'v1' },
      canary: { host: 'checkout', port: 80, subset: 'v2' },
    });
  });

  it('is Istio with two hosts', async () => {
    expect(await router({ ...two, route: 'virtualservice/x', 'canary-service': 'next/checkout' })).toMatchObject({
      stable: { host: 'checkout-v1' },
      canary: { host: 'checkout.next.svc.cluster.local' },
    });
  });

  it('leads to the Service that is made for the canary of one workload', async () => {
    expect(await router({ ...one, route: 'virtualservice/x', 'stable-subset': 'v1' })).toMatchObject({
      canaryIsCreated: true,
      stable: { host: 'checkout', subset: 'v1' },
      canary: { host: 'checkout-canary' },
    });
    expect(await router({ ...one, route: 'ingress/x' })).toEqual({
      ...common,
      kind: 'nginx',
      name: 'x',
      canaryIsCreated: true,
      canaryIngress: 'x-canary',
      stable: 'checkout',
      canary: 'checkout-canary',
    });
  });

  it('is Gateway API with an HTTPRoute or a GRPCRoute', async () => {
    const given = { ...two, 'stable-service': 'checkout-v1:8080', 'canary-service': 'checkout-v2:http' };
    expect(await router({ ...given, route: 'grpcroute/x' })).toEqual({
      ...common,
      kind: 'gateway-api',
      route: 'GRPCRoute',
      name: 'x',
      canaryIsCreated: false,
      stable: { name: 'checkout-v1', port: 8080 },
      canary: { name: 'checkout-v2', port: 'http' },
    });
  });

  it('is Traefik by the name of its route alone', async () => {
    expect(await router({ ...two, router: 'traefik', route: 'x' })).toMatchObject({ kind: 'traefik', name: 'x' });
  });

  it('is numbers of pods behind one Service', async () => {
    expect(await router({ ...shared, router: 'replicas', gitops: 'ignore-rule-present' })).toEqual({
      kind: 'replicas',
      namespace: 'shop',
      gitops: 'ignore-rule-present',
      canaryIsCreated: false,
      service: 'checkout',
      ...place.workloads,
    });
  });
});

describe('the target that the inputs ask for', () => {
  it('is a release of one workload with the content of its config files', async () => {
    const manifest = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: b}';
    const loaded = await load({ ...one, route: 'virtualservice/x', 'config-files': 'c.yaml' }, { 'c.yaml': manifest });
    expect(targetOf(loaded, 'shop')).toMatchObject({
      kind: 'derived',
      release: {
        workload: { kind: 'Deployment', name: 'checkout' },
        images: new Map([['', 'checkout:2']]),
        config: [{ kind: 'ConfigMap', metadata: { name: 'settings' } }],
        service: 'checkout',
        joinService: false,
        istio: {},
        minReplicas: 1,
      },
    });
  });

  it('is two workloads that exist', async () => {
    const loaded = await load({ ...shared, stable: 'app=checkout,version=v1', router: 'replicas' });
    expect(targetOf(loaded, 'shop')).toEqual({
      kind: 'existing',
      workloads: {
        stable: { selector: 'app=checkout,version=v1' },
        canary: { kind: 'Deployment', name: 'checkout-v2' },
        services: { stable: 'checkout', canary: 'checkout' },
        joinService: true,
        returns: false,
        gitops: 'refuse',
      },
    });
  });
});

describe('the meter that the inputs ask for', () => {
  it('reads the pods of both arms where no Prometheus is given', async () => {
    expect(await meter({ ...two, route: 'httproute/x', 'metrics-port': '9090' })).toEqual({
      kind: 'pods',
      names: {
        namespace: 'shop',
        stable: { workload: 'checkout-v1', service: 'checkout-v1' },
        canary: { workload: 'checkout-v2', service: 'checkout-v2' },
      },
      queries: { kind: 'http' },
      latencyBounds: [],
      source: { kind: 'arms', stable: 'app=checkout,version=v1', canary: 'app=checkout,version=v2' },
      port: '9090',
    });
  });

  it('reads the pods of a gateway', async () => {
    const given = { ...one, route: 'virtualservice/x', 'metrics-from': 'istio-system/istio=ingressgateway' };
    expect(await meter(given)).toMatchObject({
      queries: { kind: 'istio', reporter: 'source', by: 'workload' },
      source: { kind: 'gateway', namespace: 'istio-system', selector: 'istio=ingressgateway' },
    });
    expect(await meter({ ...given, 'metrics-from': 'app.kubernetes.io/name=gateway' })).toMatchObject({
      source: { kind: 'gateway', namespace: 'shop', selector: 'app.kubernetes.io/name=gateway' },
    });
  });

  it('asks Prometheus for the metrics of the router', async () => {
    const given = { ...two, prometheus: 'http://p:9090' };
    expect(await meter({ ...given, route: 'ingress/x' })).toMatchObject({
      kind: 'prometheus',
      queries: { kind: 'nginx' },
      connection: { address: 'http://p:9090' },
    });
    expect(await meter({ ...given, route: 'virtualservice/x', 'istio-reporter': 'waypoint' })).toMatchObject({
      queries: { kind: 'istio', reporter: 'waypoint' },
    });
  });

  it.each([
    [{ 'prometheus-token': 'abc' }, { authorization: { kind: 'bearer', token: 'abc' } }],
    [{ 'prometheus-token-file': '/t' }, { authorization: { kind: 'bearer-file', path: '/t' } }],
    [
      { 'prometheus-username': 'u', 'prometheus-password': 'p' },
      { authorization: { kind: 'basic', username: 'u', password: 'p' } },
    ],
    [{ 'prometheus-ca': 'ca.pem' }, { tls: { ca: 'ca.pem' } }],
    [{ 'prometheus-cert': 'c', 'prometheus-key': 'k' }, { tls: { cert: 'c', key: 'k' } }],
    [{ 'prometheus-headers': 'A: 1\nB: x: y' }, { headers: { A: '1', B: 'x: y' } }],
  ])('logs in to Prometheus as it is told: %o', async (given, expected) => {
    const options = await meter({ ...one, route: 'virtualservice/x', prometheus: 'http://p', ...given });
    expect(options).toMatchObject({ connection: { address: 'http://p', ...expected } });
  });

  it('takes own queries for both arms or one each', async () => {
    const given = { ...one, route: 'virtualservice/x', 'query-requests': 'r{w="${workload}"}' };
    expect(await meter({ ...given, 'query-errors': 'stable: a\ncanary: b' })).toMatchObject({
      queries: {
        kind: 'own',
        stable: { requests: 'r{w="${workload}"}', errors: 'a' },
        canary: { requests: 'r{w="${workload}"}', errors: 'b' },
      },
    });
  });
});

describe('what is judged', () => {
  const checks = [
    '- {check: error-rate, burst-size: 3}',
    '- {check: latency, bound: 300ms, name: slow, on-breach: freeze}',
    '- {check: max-error-rate, limit: 0.05}',
    '- {check: promql, name: memory, query: "mem{pod=~\\"${workload}-.*\\"}", above: 1.3, relative-to: stable}',
    '- {check: promql, name: ratio, query: hits, below: 0.9, on-breach: warn}',
    '- {check: pods, on-breach: freeze}',
  ].join('\n');

  it('is every check, with the tolerances of the inputs where it has none', async () => {
    const given = {
      ...one,
      route: 'virtualservice/x',
      prometheus: 'http://p',
      checks,
      tolerance: '1.5',
      'absolute-tolerance': '0.1%',
    };
    const loaded = await load(given);
    const tolerances = { tolerance: 1.5, excess: 0.001, early: { beta: 0.05 } };
    expect(judgeSettings(loaded)).toEqual({
      checks: [
        { kind: 'error-rate', ...tolerances, designEffect: 3 },
        { kind: 'latency', name: 'slow', onBreach: 'freeze', bound: 0.3, ...tolerances, designEffect: 1 },
        { kind: 'max-error-rate', limit: 0.05, minRequests: 100 },
      ],
      panel: { alpha: 0.01, steps: 3 },
      onPodProblem: 'freeze',
    });
    expect(meterOptions(loaded.inputs, place)).toMatchObject({ latencyBounds: [0.3] });
    expect(loaded.shared.map(({ name, check, onBreach }) => [name, check, onBreach])).toEqual([
      ['memory', 'promql', 'rollback'],
      ['ratio', 'promql', 'warn'],
    ]);
  });

  it('shares the error probability with the checks outside of the panel that have one', async () => {
    const asked = (checks: string) => load({ ...one, route: 'virtualservice/x', prometheus: 'http://p', checks });
    const logs = '{check: pod-logs, workload: deployment/x, pattern: panic, total: ".", limit: 1%}';
    const { inputs, shared } = await asked(`- error-rate\n- {check: latency, bound: 1s}\n- ${logs}`);
    const { panel, each } = shareOf(inputs, shared);
    expect(panel / 2).toBeCloseTo(each, 12);
    expect(panel + each).toBeCloseTo(0.01, 12);
    const alone = await asked('- {check: events, workload: deployment/x, most: 0}');
    expect(shareOf(alone.inputs, alone.shared)).toEqual({ panel: 0.01, each: 0.01 });
    const warning = await asked(`- ${logs.replace('}', ', on-breach: warn}')}`);
    expect(shareOf(warning.inputs, warning.shared).panel).toBe(0.01);
  });

  it('knows every kind of check of the gate', () => {
    expect(new Set(sharedKinds)).toEqual(new Set(checkKinds.map(({ kind }) => kind)));
  });

  it('is always whether requests are answered, and in time', async () => {
    const { inputs } = await load({ ...one, route: 'virtualservice/x' });
    const early = { beta: 0.05 };
    expect(watchedChecks(inputs)).toEqual([
      { kind: 'unanswered', onBreach: 'rollback', tolerance: 1, excess: 0, designEffect: 2, early },
      { kind: 'hanging', onBreach: 'rollback', excess: 0.05, designEffect: 3, early },
    ]);
    const listed = '- error-rate\n- {check: unanswered, on-breach: warn, burst-size: 5, absolute-tolerance: 2%}';
    const { inputs: told } = await load({ ...one, route: 'virtualservice/x', checks: listed });
    expect(watchedChecks(told)).toMatchObject([
      { onBreach: 'warn', excess: 0.02, designEffect: 5 },
      { onBreach: 'warn', excess: 0.05 },
    ]);
  });

  it('keeps the names of what is always judged for that', async () => {
    const { inputs } = await load({ ...one, route: 'virtualservice/x' });
    const names = [...watchedChecks(inputs).map(({ kind }) => kind), POD_CHECK];
    for (const name of names) {
      const checks = `- {check: error-rate, name: ${name}}`;
      await expect(load({ ...one, route: 'virtualservice/x', checks })).rejects.toThrow(
        `two checks are called ${name}`,
      );
    }
  });

  it('is the error rate, and the pods always', async () => {
    const loaded = await load({ ...one, route: 'virtualservice/x' });
    const { checks: judged, onPodProblem } = judgeSettings(loaded);
    expect([judged.map(({ kind }) => kind), onPodProblem]).toEqual([['error-rate'], 'rollback']);
  });
});

describe('how it behaves', () => {
  it('is in milliseconds', async () => {
    const { inputs, plan } = await load({ ...one, route: 'virtualservice/x', 'ready-timeout': '90s' });
    expect(rolloutSettings(inputs, plan)).toMatchObject({
      plan,
      readyTimeout: 90_000,
      minRequests: 50,
      onInterrupted: 'resume',
    });
  });

  it('is warned of where the plan may take longer than the timeout', async () => {
    const { inputs, plan } = await load({ ...one, route: 'virtualservice/x', timeout: '6m' });
    expect(startWarnings(inputs, plan)).toEqual([
      'The plan may take 7m, but the rollout is undone after 6m ("timeout").',
    ]);
    expect(startWarnings({ ...inputs, timeout: 420_000 }, plan)).toEqual([]);
  });

  it('is warned of where a token for Prometheus can be read on its way', async () => {
    const given = {
      ...one,
      route: 'virtualservice/x',
      meter: 'prometheus',
      prometheus: 'http://prometheus.monitoring:9090',
    };
    const warningsOf = async (more: Readonly<Record<string, string>>) => {
      const { inputs, plan } = await load({ ...given, timeout: '1h', ...more }, { '/run/token': 'planted' });
      return startWarnings(inputs, plan);
    };
    const headers = 'Authorization: Bearer planted';
    const ways: Readonly<Record<string, string>>[] = [
      { 'prometheus-token': 'planted' },
      { 'prometheus-token-file': '/run/token' },
      { 'prometheus-username': 'me', 'prometheus-password': 'planted' },
      { 'prometheus-headers': headers },
    ];
    for (const credentials of ways) {
      expect(await warningsOf(credentials)).toEqual([
        expect.stringMatching(
          /^The credentials of Prometheus are sent to http:\/\/prometheus\.monitoring:9090 without TLS/,
        ),
      ]);
    }
    expect(await warningsOf({})).toEqual([]);
    expect(await warningsOf({ 'prometheus-headers': 'X-Scope-OrgID: shop' })).toEqual([]);
    const safe = { prometheus: 'https://prometheus.example', 'prometheus-token': 'planted' };
    expect(await warningsOf(safe)).toEqual([]);
  });

  it('knows the token in a file as a secret', async () => {
    const given = {
      ...one,
      route: 'virtualservice/x',
      meter: 'prometheus',
      prometheus: 'https://p.example',
      'prometheus-token-file': '/run/token',
    };
    expect((await load(given, { '/run/token': 'planted\n' })).secrets).toContain('planted');
  });
});
