// biome-ignore-all lint/suspicious/noTemplateCurlyInString: query placeholders
import { describe, expect, it } from 'vitest';
import { inputList } from '../../../../src/actions/canary/inputs.ts';
import { loadInputs } from '../../../../src/actions/canary/load-inputs.ts';
import { isSluiceError } from '../../../../src/core/errors.ts';
import { parsePlan } from '../../../../src/judge/plan-syntax.ts';

type Given = Readonly<Record<string, string>>;

/** As the runner starts an action: every declared input is there, those that are not given as the empty text. */
async function load(given: Given, files: Readonly<Record<string, string>> = {}) {
  const masked: string[] = [];
  const all = { ...Object.fromEntries(inputList.map(({ name }) => [name, ''])), ...given };
  const loaded = await loadInputs({
    env: {
      PATH: '/usr/bin',
      ...Object.fromEntries(Object.entries(all).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
    },
    readFile: async (path) => files[path] ?? Promise.reject(new Error(`ENOENT ${path}`)),
    glob: async (pattern) => Object.keys(files).filter((path) => path.startsWith(pattern.replace(/\*.*$/, ''))),
    mask: (secret) => masked.push(secret),
  });
  return { ...loaded, masked };
}

async function refusal(given: Given, files?: Readonly<Record<string, string>>): Promise<string> {
  try {
    await load(given, files);
  } catch (error) {
    if (isSluiceError(error, 'invalid-input')) return error.message;
    throw error;
  }
  return 'accepted';
}

const one = {
  workload: 'deployment/checkout',
  image: 'ghcr.io/acme/checkout:2',
  service: 'checkout',
  route: 'virtualservice/checkout',
  steps: '5 for 2m, 25 for 5m, 100',
};
const two = {
  stable: 'deployment/checkout-v1',
  canary: 'deployment/checkout-v2',
  'stable-service': 'checkout-v1',
  'canary-service': 'checkout-v2',
  route: 'httproute/checkout',
  steps: '5 for 2m, 25 for 5m, 100',
};

describe('the inputs', () => {
  it('need only target, route and plan', async () => {
    const { inputs, plan } = await load(one);
    expect(plan).toEqual(parsePlan(one.steps));
    expect(inputs).toMatchObject({
      workload: { kind: 'Deployment', name: 'checkout' },
      route: { kind: 'virtualservice', name: 'checkout' },
      gitops: 'refuse',
      tolerance: 1,
      'absolute-tolerance': 0,
      'false-rollback-probability': 0.01,
      'no-data-patience': 120_000,
      'on-no-data': 'rollback',
      'fail-on': ['rolled-back', 'frozen', 'held'],
      'dry-run': false,
    });
    expect(inputs.checks).toEqual([{ check: 'error-rate' }]);
  });

  it('are also complete where the runner did not set those that were not given', async () => {
    const env = Object.fromEntries(Object.entries(one).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]));
    const source = { env, readFile: () => Promise.reject(new Error()), glob: async () => [], mask: () => undefined };
    expect((await loadInputs(source)).inputs.timeout).toBe(5.5 * 3_600_000);
  });

  it('take rates as fractions and as per cent', async () => {
    const { inputs } = await load({ ...one, 'absolute-tolerance': '0.07%', 'false-rollback-probability': '1%' });
    expect(inputs['absolute-tolerance']).toBe(0.0007);
    expect(inputs['false-rollback-probability']).toBe(0.01);
  });

  it('take "none" for no verdict that fails the job', async () => {
    expect((await load({ ...one, 'fail-on': 'none' })).inputs['fail-on']).toEqual([]);
    expect((await load({ ...one, 'fail-on': 'held,\nrolled-back' })).inputs['fail-on']).toEqual([
      'rolled-back',
      'held',
    ]);
  });

  it('take a plan from a file of the repository', async () => {
    const { steps: _, ...rest } = one;
    const { plan } = await load({ ...rest, 'plan-file': 'canary.yml' }, { 'canary.yml': 'steps: 5 for 2m, 100' });
    expect(plan).toEqual(parsePlan('5 for 2m, 100'));
  });

  it('take the texts of all files that the patterns pick, each once', async () => {
    const files = { 'deploy/a.yaml': 'A', 'deploy/b.yaml': 'B', 'other.yaml': 'C' };
    const { config } = await load({ ...one, 'config-files': 'deploy/*.yaml, deploy/b.yaml' }, files);
    expect(config).toEqual(['A', 'B']);
  });

  it('take checks as a YAML list', async () => {
    const checks = [
      '- error-rate',
      '- {check: latency, bound: 300ms, on-breach: freeze, tolerance: 1.5}',
      '- {check: max-error-rate, limit: 5%, min-requests: 20}',
      '- {check: pods, on-breach: warn}',
    ].join('\n');
    expect((await load({ ...one, checks })).inputs.checks).toEqual([
      { check: 'error-rate' },
      { check: 'latency', bound: 300, 'on-breach': 'freeze', tolerance: 1.5 },
      { check: 'max-error-rate', limit: 0.05, 'min-requests': 20 },
      { check: 'pods', 'on-breach': 'warn' },
    ]);
  });
});

describe('wrong inputs', () => {
  it('are all told at once, each with what is allowed', async () => {
    const message = await refusal({
      ...one,
      workload: 'checkout',
      router: 'isto',
      steps: '5, 100',
      tolerance: '0.5',
      timeout: '5 minutes',
      'dry-run': 'yes',
      'min-request': '5',
    });
    expect(message).toContain('7 things');
    expect(message).toContain('"checkout" names no workload; write deployment/NAME or statefulset/NAME.');
    expect(message).toContain(
      '"isto" is not one of istio, gateway-api, nginx, traefik or replicas. Example: router: istio',
    );
    expect(message).toContain('Copy this instead: steps: "5 for 5m, 100"');
    expect(message).toContain('"0.5" is not a number from 1 on.');
    expect(message).toContain('"5 minutes" is no duration such as 90s, 5m or 1h30m.');
    expect(message).toContain('"yes" is neither true nor false.');
    expect(message).toContain('Input "min-request" is unknown: "min-requests" is near.');
  });

  it.each([
    ['- promq', '"promq" is not one of error-rate, max-error-rate, latency, pods, unanswered, requests, ratio'],
    ['- {bound: 300ms}', 'needs "check"'],
    ['- {check: latency}', '"bound": is missing'],
    ['- {check: latency, bound: 300}', '"300" is no duration'],
    ['- {check: error-rate, tolerence: 2}', 'unknown key "tolerence"; "tolerance" is near'],
    ['- {check: error-rate, on-breach: stop}', 'must be rollback, freeze or warn'],
    ['- {check: promql, name: x, query: up}', 'Check x (promql) needs "above" or "below"'],
    ['- {check: promql, query: up, above: 1, on-breach: fail}', '"on-breach": must be rollback, freeze or warn'],
    ['- {check: probe, url: "https://x", key: true, weight: 2}', 'has "key", "weight", which is for gates'],
    ['- {check: pod-logs, workload: deployment/x, patern: panic}', 'unknown key "patern"; "pattern" is near'],
    [
      '[error-rate, {check: load, service: "x:80", requests: [GET /], limit: 1%}]',
      'Requests of "load" may be counted by error-rate as those of users',
    ],
    [
      '[{check: load, service: "x:80", requests: [GET /], limit: 1%}]',
      'Requests of "load" may be counted by unanswered as those of users',
    ],
    [
      '[error-rate, {check: load, service: "x:80", requests: [GET /], limit: 1%, seen-by: [error-rate]}]',
      'Requests of "load" would be taken for those of users by error-rate',
    ],
    ['error-rate', 'is not a YAML list'],
    ['[]', 'lists no check'],
    ['- {check: [', 'is not YAML'],
    ['- *none', 'is not YAML: Unresolved alias'],
    ['- {check: error-rate, name: hanging}', 'two checks are called hanging: give each a "name" of its own'],
    ['[error-rate, error-rate]', 'two checks are called error-rate'],
    ['[{check: latency, bound: 1s}, {check: latency, bound: 1000ms}]', 'two checks are called latency of 1000 ms'],
  ])('tell what is wrong with checks: %s', async (checks, problem) => {
    expect(await refusal({ ...one, checks })).toContain(problem);
  });

  it.each([
    ['nothing', {}, 'give "workload" and "image", or "stable" and "canary"'],
    ['both kinds of target', { ...two, workload: 'deployment/x', image: 'x:1', service: 'x' }, 'give one or the other'],
    ['one arm', { ...two, canary: '' }, '"stable" and "canary" belong together'],
    ['a workload without news', { ...one, image: '' }, '"workload" needs what is new in it'],
    ['an image without a workload', { ...two, image: 'x:1' }, '"image" would have no effect without "workload"'],
    ['a workload without a Service', { ...one, service: '' }, '"workload" needs "service"'],
    ['no route', { ...one, route: '' }, 'Nothing says what moves the traffic'],
    ['a route of an unknown kind', { ...one, route: 'checkout' }, 'Nothing says what moves the traffic'],
    ['a router without its route', { ...one, router: 'traefik', route: '' }, 'needs "route", as traefikservice/NAME'],
    ['a route of another router', { ...one, router: 'nginx' }, '"router: nginx" has no virtualservice'],
    [
      'a route that may be of two kinds',
      { ...two, router: 'gateway-api', route: 'x' },
      'httproute/NAME or grpcroute/NAME',
    ],
    ['replicas with a route', { ...one, router: 'replicas' }, '"router: replicas" has no'],
    ['subsets without Istio', { ...two, 'stable-subset': 'a', 'canary-subset': 'b' }, 'without "router: istio"'],
    ['half of the subsets', { ...two, route: 'virtualservice/x', 'stable-subset': 'a' }, 'belong together'],
    [
      'Istio arms without a difference',
      { ...two, route: 'virtualservice/x', 'stable-service': '', 'canary-service': '', service: 'x' },
      'Istio tells the arms apart',
    ],
    [
      'one Service where each arm needs one',
      { ...two, 'stable-service': '', 'canary-service': '', service: 'x', metrics: 'istio' },
      'needs "stable-service" and "canary-service"',
    ],
    [
      'a canary Service that Sluice makes',
      { ...one, 'stable-service': 'a', 'canary-service': 'b' },
      'has a canary with a Service of its own',
    ],
    ['a port where names count', { ...two, route: 'ingress/x', 'stable-service': 'a:80' }, 'leave the port out'],
    ['a named port for Istio', { ...one, service: 'checkout:http' }, 'replace "http" by its number'],
    ['no plan', { ...one, steps: '' }, 'There is no plan'],
    ['two plans', { ...one, 'plan-file': 'x.yml' }, 'either "steps" or "plan-file"'],
    ['a plan that takes too long', { ...one, timeout: '3m' }, 'takes at least 7m, longer than "timeout: 3m"'],
    ['Prometheus without an address', { ...one, meter: 'prometheus' }, '"meter: prometheus" needs "prometheus"'],
    [
      'credentials without Prometheus',
      { ...one, 'prometheus-token': 'abcdefgh' },
      '"prometheus-token" would have no effect',
    ],
    [
      'two ways to log in',
      { ...one, prometheus: 'http://p', 'prometheus-token': 'abcdefgh', 'prometheus-token-file': 'f' },
      'different ways to log in',
    ],
    ['a user without a password', { ...one, prometheus: 'http://p', 'prometheus-username': 'u' }, 'belong together'],
    ['Prometheus that is not asked', { ...one, prometheus: 'http://p', meter: 'pods' }, 'does not ask Prometheus'],
    [
      'two addresses of Prometheus',
      { ...one, prometheus: 'http://p', connections: 'prometheus: http://q' },
      'say where Prometheus is: give one',
    ],
    [
      'settings of pods with Prometheus',
      { ...one, prometheus: 'http://p', 'metrics-port': '9090' },
      'without "meter: pods"',
    ],
    [
      'two kinds of queries',
      { ...one, metrics: 'http', 'query-requests': 'a', 'query-errors': 'b' },
      'give one or the other',
    ],
    ['no metrics with metrics', { ...one, meter: 'none', metrics: 'http' }, '"meter: none" counts no requests'],
    [
      'no metrics with a latency check',
      { ...one, meter: 'none', checks: '- {check: latency, bound: 1s}' },
      "checks can't be of latency",
    ],
    [
      'nothing to be judged',
      { ...one, meter: 'none', checks: '- {check: pods, on-breach: warn}' },
      'leaves the pods alone to be judged',
    ],
    ['half of the queries', { ...one, 'query-requests': 'a' }, '"query-requests" and "query-errors" belong together'],
    [
      'latency without its query',
      { ...one, 'query-requests': 'a', 'query-errors': 'b', checks: '- {check: latency, bound: 1s}' },
      'needs "query-latency"',
    ],
    ['metrics that nothing tells', { ...two, prometheus: 'http://p' }, 'nothing says whose metrics count the requests'],
    ['NGINX metrics of another router', { ...two, metrics: 'nginx' }, 'only where NGINX is the router'],
    ['a plan file that is not there', { ...one, steps: '', 'plan-file': 'x.yml' }, 'x.yml is no file that can be read'],
    ['config that is not there', { ...one, 'config-files': 'x/*.yml' }, 'x/*.yml is no file that can be read'],
  ])('are refused where they contradict each other: %s', async (_, given: Given, problem) => {
    expect(await refusal(given)).toContain(problem);
  });
});

describe('secrets', () => {
  const kubeconfig = [
    'apiVersion: v1',
    'kind: Config',
    'clusters: [{name: c, cluster: {server: "https://10.0.0.1:6443"}}]',
    'users:',
    '- name: admin',
    '  user:',
    '    token: t0ken-of-the-admin',
    '    exec: {command: aws, env: [{name: AWS_SECRET_ACCESS_KEY, value: aws-s3cret}, {name: AWS_REGION, value: eu-west-1}]}',
  ].join('\n');

  it('are masked before anything is said', async () => {
    const { masked, secrets } = await load({
      ...one,
      kubeconfig,
      prometheus: 'https://p',
      'prometheus-username': 'user',
      'prometheus-password': 'pa55word',
      'prometheus-headers': 'Authorization: Bearer abcdef\nX-Scope-OrgID: the-whole-shop\nAccept: text/x',
    });
    expect(masked.toSorted()).toEqual(
      ['t0ken-of-the-admin', 'aws-s3cret', 'pa55word', 'Bearer abcdef', 'abcdef'].toSorted(),
    );
    expect(secrets).toEqual(masked);
  });

  it('do not stand in errors', async () => {
    const message = await refusal({
      ...one,
      tolerance: 'x',
      kubeconfig,
      'prometheus-headers': 'Bearer abcdef',
      'prometheus-token': 'abcdefgh',
      'prometheus-key': '-----BEGIN KEY-----\nMIIsecret\n-----END KEY-----',
    });
    expect(message).toContain('line 1 is not of the form NAME: VALUE.');
    for (const secret of ['abcdef', 't0ken', 'aws-s3cret', 'MIIsecret']) expect(message).not.toContain(secret);
  });

  it('are all of a kubeconfig that can not be read', async () => {
    const broken = 'users:\n- token: abc\n\t- x';
    expect((await load({ ...one, kubeconfig: broken })).masked).toContain(broken);
  });

  it('are no paths', async () => {
    expect((await load({ ...one, kubeconfig: '/home/runner/.kube/config' })).masked).toEqual([]);
  });
});
