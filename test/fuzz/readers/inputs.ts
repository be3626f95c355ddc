import { basename } from 'node:path';
import fc from 'fast-check';
import { action as buildPush } from '../../../src/actions/build-push/action.ts';
import { dockerItems } from '../../../src/actions/build-push/docker-items.ts';
import { readBuildInputs } from '../../../src/actions/build-push/load.ts';
import { action as canary } from '../../../src/actions/canary/action.ts';
import { canaryInputs } from '../../../src/actions/canary/inputs.ts';
import { parsePlanFile, parseSteps } from '../../../src/actions/canary/plan-input.ts';
import { connectionSecrets } from '../../../src/actions/checks/connections-input.ts';
import { ownTrafficProblems } from '../../../src/actions/checks/own-traffic.ts';
import { action as deploymentStatus } from '../../../src/actions/deployment-status/action.ts';
import { loadDeploymentStatusInputs } from '../../../src/actions/deployment-status/inputs.ts';
import { action as drill } from '../../../src/actions/drill/action.ts';
import { drillSecrets, loadDrillInputs } from '../../../src/actions/drill/inputs.ts';
import { action as gate } from '../../../src/actions/gate/action.ts';
import { gateInputs, loadGateInputs } from '../../../src/actions/gate/inputs.ts';
import { action as helmDeploy } from '../../../src/actions/helm-deploy/action.ts';
import { helmContradictions } from '../../../src/actions/helm-deploy/contradictions.ts';
import { helmInputs } from '../../../src/actions/helm-deploy/inputs.ts';
import { action as kubectlDeploy } from '../../../src/actions/kubectl-deploy/action.ts';
import { kubectlContradictions, kubectlInputs } from '../../../src/actions/kubectl-deploy/inputs.ts';
import { action as release } from '../../../src/actions/release-parts/action.ts';
import { readRelease } from '../../../src/actions/release-parts/load-inputs.ts';
import { action as rollback } from '../../../src/actions/rollback/action.ts';
import { loadRollbackInputs } from '../../../src/actions/rollback/inputs.ts';
import { action as steer } from '../../../src/actions/steer/action.ts';
import { loadSteerInputs } from '../../../src/actions/steer/inputs.ts';
import { proxyFor } from '../../../src/cluster/kubeconfig/proxy.ts';
import { parseDuration } from '../../../src/core/duration.ts';
import { parsePlan } from '../../../src/judge/plan-syntax.ts';
import { runnerFacts } from '../../../src/runner/github.ts';
import { type InputsSchema, listInputs } from '../../../src/runner/input-schema.ts';
import { type GivenInputs, givenInputs, parseInputs } from '../../../src/runner/parse-inputs.ts';
import { urlSecrets } from '../../../src/runner/secrets.ts';
import { nearly } from '../generators.ts';
import { ofText, type Reader } from '../reader.ts';

interface ReadAction {
  readonly name: string;
  readonly inputs: InputsSchema;
  readonly secrets?: (given: GivenInputs) => unknown;
}

/** All inputs of an action as its documentation shows them, each one nearly right, or left out. */
function inputsOf(action: ReadAction, read: (given: GivenInputs) => unknown): Reader {
  const listed = listInputs(action.inputs);
  const odd = listed.map(({ name, example, default: usual = example }) =>
    fc.record({ name: fc.constant(name), text: nearly(example, usual) }),
  );
  const right = Object.fromEntries(listed.map(({ name, example }) => [name, example]));
  return {
    name: `inputs of ${action.name}`,
    cases: fc.record({
      wrong: fc.array(fc.oneof(...odd), { maxLength: 3 }),
      // All of them at once contradict one another.
      kept: fc.subarray(Object.keys(right)),
    }),
    read(value) {
      const { wrong, kept } = casesShape(value);
      const given = Object.fromEntries([
        ...kept.map((name) => [name, right[name] ?? '']),
        ...wrong.map(({ name, text }) => [name, text]),
      ]);
      action.secrets?.(given);
      return read(givenInputs(environmentOf(given)));
    },
  };
}

interface InputCase {
  readonly wrong: readonly { readonly name: string; readonly text: string }[];
  readonly kept: readonly string[];
}

function isInputCase(value: unknown): value is InputCase {
  return typeof value === 'object' && value !== null && 'wrong' in value && 'kept' in value;
}

function casesShape(value: unknown): InputCase {
  return isInputCase(value) ? value : { wrong: [], kept: [] };
}

function environmentOf(given: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(given).map(([name, text]) => [`INPUT_${name.toUpperCase()}`, text]));
}

export const inputReaders: readonly Reader[] = [
  inputsOf(canary, (given) => parseInputs(canaryInputs, given, 'canary')),
  inputsOf(buildPush, readBuildInputs),
  inputsOf(gate, (given) => loadGateInputs(given, () => undefined, '/workspace')),
  inputsOf(drill, (given) => {
    drillSecrets(given);
    return loadDrillInputs(given, () => undefined);
  }),
  inputsOf(helmDeploy, (given) => parseInputs(helmInputs, given, 'helm-deploy', helmContradictions)),
  inputsOf(kubectlDeploy, (given) => parseInputs(kubectlInputs, given, 'kubectl-deploy', kubectlContradictions)),
  inputsOf(rollback, loadRollbackInputs),
  inputsOf(steer, loadSteerInputs),
  inputsOf(deploymentStatus, loadDeploymentStatusInputs),
  inputsOf(release, readRelease),
  ofText('duration', nearly('1h30m', '90s', '0.5h', '250ms', '1m 30s'), parseDuration),
  ofText(
    'plan',
    nearly('5 for 2m, 25 for 2m, 50 for 1m..5m early hold, 100', '- weight: 5\n  for: 2m\n- weight: 100\n'),
    parseSteps,
  ),
  ofText('line of a plan', nearly('5 for 2m to 10m early then hold, 25% for 2 min, 100'), (text) => parsePlan(text)),
  ofText(
    'plan file',
    nearly(
      'steps:\n  - weight: 5\n    for: 2m\n  - weight: 100\n',
      'steps: "5 for 2m, 100"',
      '[{weight: &a 5, for: 2m}]',
    ),
    (text) => parsePlanFile(text, 'plan file a.yaml'),
  ),
  ofText(
    'checks',
    nearly(
      '- check: promql\n  name: saturation\n  query: max(cpu{pod=~"a"})\n  max: 0.9\n',
      '- error-rate\n- {check: latency, bound: 250ms}\n',
      '[{"check":"max-error-rate","rate":"1%","on-breach":"freeze"}]',
    ),
    (text) => parseInputs(canaryInputs, { checks: text, workload: 'deployment/a' }, 'canary'),
  ),
  ofText(
    'checks of a gate',
    nearly(
      '- {check: ratio, total: a, bad: b, relative-to: before, before: 1d, must-detect: 1%}\n',
      '- check: promql\n  name: p99\n  query: max(a)\n  above: 5\n  warn-above: 4\n  breach-after: 2m\n',
      '- {check: requests, metrics: nginx, service: a, stable-service: b, relative-to: stable, slower-than: 300ms}\n',
      '[{"check":"promql","query":"max(a)","below":0,"breach-after":3,"group":"errors","weight":"2"}]',
      '- check: load\n  service: shop/checkout:80\n  requests: [GET /a?b=1, {request: POST /b, body: {n: 1}, headers: {x-a: b}, status: [201, 409]}]\n  rate: 30/m\n  for: 2.5s\n  limit: 1%\n',
      '[{"check":"load","url":"https://a.example","requests":["/a"],"relative-to":"stable","answers-with":{"x-version":"v2"},"seen-by":["p99"]}]',
    ),
    (text) => ownTrafficProblems(parseInputs(gateInputs, { checks: text, 'group-weights': text }, 'gate').checks ?? []),
  ),
  ofText(
    'connections',
    nearly(
      'loki: {address: k8s://monitoring/loki:3100, headers: {X-Scope-OrgID: shop}}\n',
      'elastic:\n  address: https://a.example\n  username: a\n  password: b\njaeger: http://b\n',
    ),
    (text) => {
      connectionSecrets(text);
      return parseInputs(gateInputs, { connections: text }, 'gate');
    },
  ),
  ofText('lines as docker reads them', nearly('a=b\n"c=d ""e"""\n"f\ng"', 'TOKEN=x,y'), dockerItems),
  ofText(
    'NO_PROXY',
    nearly('localhost,.example.com,10.0.0.0/8,[::1]:80,*.a:443', 'http://user:pw@proxy:3128'),
    (text) => {
      for (const env of [{ NO_PROXY: text, HTTPS_PROXY: 'http://p:1' }, { HTTPS_PROXY: text }]) {
        proxyFor(new URL('https://10.0.0.1:6443'), env);
        proxyFor(new URL('https://[fd00::1]/'), env);
      }
    },
  ),
  ofText(
    'address with secrets',
    nearly('https://user:p%40ss@a.example/x?sig=abcdefghijklmnop', 's3::https://a'),
    urlSecrets,
  ),
  ofText('environment of the runner', nearly('acme/checkout', '16', 'refs/pull/7/merge'), (text) =>
    basename(
      runnerFacts({
        GITHUB_REPOSITORY: text,
        GITHUB_RUN_ID: text,
        GITHUB_RUN_ATTEMPT: text,
        GITHUB_SHA: text,
        GITHUB_JOB: text,
        GITHUB_SERVER_URL: text,
      }).identity,
    ),
  ),
];
