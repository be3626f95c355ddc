import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { deployments } from '../../lab/embedded/api-server/resources.ts';
import { type Lab, startLab } from '../../lab/embedded/index.ts';
import { close, listen } from '../../lab/embedded/sockets.ts';
import { documentedActions } from '../../scripts/actions.ts';
import { action as buildPush } from '../../src/actions/build-push/action.ts';
import { action as canary } from '../../src/actions/canary/action.ts';
import { action as deploymentStatus } from '../../src/actions/deployment-status/action.ts';
import { action as drill } from '../../src/actions/drill/action.ts';
import { action as gate } from '../../src/actions/gate/action.ts';
import { action as helmDeploy } from '../../src/actions/helm-deploy/action.ts';
import { action as kubectlDeploy } from '../../src/actions/kubectl-deploy/action.ts';
import { action as releaseParts } from '../../src/actions/release-parts/action.ts';
import { action as rollback } from '../../src/actions/rollback/action.ts';
import { action as steer } from '../../src/actions/steer/action.ts';
import { createClient } from '../../src/cluster/client.ts';
import { loadConfig } from '../../src/cluster/kubeconfig.ts';
import { connect } from '../../src/cluster/transport.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createLedger } from '../../src/ledger/ledger.ts';
import { run } from '../../src/runner/run.ts';
import { commit, type GitHubDouble, startGitHub } from '../support/github-double.ts';
import { type InProcess, runInProcess, type Shown } from '../support/in-process.ts';

/** What every secret of these tests has in it. */
const PLANTED = 'pl4nted';
const planted = (place: string) => `${PLANTED}-${place}-0123456789`;
const ofJob = {
  HTTPS_PROXY: `http://robot:${planted('proxy-of-the-job')}@proxy.example`,
  NO_PROXY: '*',
  GITHUB_TOKEN: planted('github-token'),
  ACTIONS_RUNTIME_TOKEN: planted('runtime-token'),
  STATE_other: planted('state'),
};

const lifetime = new AbortController();
let folder = '';
let lab: Lab;
let github: GitHubDouble;

/** A server that refuses everything, and says all that it was asked with. */
const teller = createServer((request, response) => {
  const said = `no: ${JSON.stringify(request.headers)} ${Buffer.from(String(request.headers.authorization)).toString('base64')}`;
  const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Forbidden', code: 403, message: said };
  response.writeHead(403, { 'content-type': 'application/json' }).end(JSON.stringify(status));
});
let tellerUrl = '';

/** Stands for a program: keeps what it was started with, says all of it, and fails where it is told to. */
const program = `#!/bin/sh
{ echo "args: $*"; env; } >> "$PROGRAM_LOG"
case "$*" in
  *version*) echo v4.3.1; exit 0;;
  *history*) [ "$PROGRAM_FAILS" = 1 ] || { echo 'Error: release: not found' >&2; exit 1; };;
  *inspect*) echo 'Driver: docker-container'; exit 0;;
esac
metadata=$(echo "$*" | sed -n 's/.*--metadata-file \\([^ ]*\\).*/\\1/p')
[ -z "$metadata" ] || echo '{}' > "$metadata"
echo "said: $*"; env; cat "$KUBECONFIG" "$DOCKER_CONFIG/config.json" 2>/dev/null
[ "$PROGRAM_FAILS" = 1 ] && { env >&2; exit 1; }
exit 0
`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'planted-'));
  lab = await startLab({ router: 'istio', arms: 'one' });
  lab.api.setUser({
    name: 'planted',
    token: planted('plugin-token'),
    rules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
  });
  const labels = { 'sluice.dev/drill': 'allowed' };
  lab.api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: lab.namespace, labels } });
  await secondVersion();
  await takesCommands('planted');
  github = await startGitHub();
  tellerUrl = `http://127.0.0.1:${await listen(teller, 0)}`;
  await mkdir(join(folder, 'docker-config'));
  const unused = { username: 'robot', password: planted('unused-login') };
  await writeFile(
    join(folder, 'docker-config', 'config.json'),
    JSON.stringify({ auths: { 'unused.example': unused } }),
  );
  for (const name of ['helm', 'docker', 'kubectl']) {
    await writeFile(join(folder, name), program);
    await chmod(join(folder, name), 0o755);
  }
});
afterAll(async () => {
  lifetime.abort();
  await Promise.all([lab.stop(), close(teller), github.stop()]);
  await rm(folder, { recursive: true });
});

/** So that there is a version to go back to. */
async function secondVersion(): Promise<void> {
  const key = { resource: deployments, namespace: lab.namespace, name: 'checkout' };
  const edit = (found: unknown) => JSON.parse(JSON.stringify(found).replaceAll(lab.stableImage, lab.canaryImage));
  lab.api.registry.modify(key, edit, { manager: 'kubectl-edit' });
  await lab.until(() => {
    const { metadata, spec, status } = JSON.parse(
      JSON.stringify(lab.api.storage.get(key.resource, key.namespace, key.name)),
    );
    const counts = [status?.updatedReplicas, status?.replicas, status?.readyReplicas];
    return status?.observedGeneration === metadata.generation && counts.every((count) => count === spec.replicas);
  });
}

/** A rollout that takes every command, as one that runs does. */
async function takesCommands(rollout: string): Promise<void> {
  const config = loadConfig({ kubeconfig: lab.kubeconfigPath, context: '', env: {} });
  const options = { client: createClient(connect(config, {})), namespace: lab.namespace, rollout, clock: systemClock };
  const holder = { identity: 'run', description: 'alice' };
  const ledger = createLedger({ ...options, holder, version: '1.0.0', nonce: () => 'nonce' });
  const route = { router: 'istio', object: 'VirtualService shop/checkout', weight: 0, data: {} };
  const arms = { stable: 'Deployment shop/a', canary: 'Deployment shop/b', revision: 'sha256:1', data: null };
  const rest = {
    phase: 'shifting',
    step: 0,
    weight: { from: 0, to: 5 },
    startedAt: 1_000,
    startedBy: 'alice',
  } as const;
  await ledger.save({ schema: 1, id: '1-run', fingerprint: 'f', route, arms, ...rest }, lifetime.signal);
  void Array.fromAsync(ledger.commands(lifetime.signal));
}

/** Secrets in every place of a kubeconfig; the token comes from an exec plugin, which keeps what it was started with. */
function kubeconfig(server: string): string {
  const log = join(folder, 'plugin.log');
  const script = `require('fs').appendFileSync('${log}', JSON.stringify(process.env));console.log(JSON.stringify({ status: { token: ['${PLANTED}', 'plugin-token-0123456789'].join('-') } }))`;
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: process.execPath,
    args: ['-e', script, '--', '--client-secret', planted('argument')],
    env: [{ name: 'PASSPHRASE', value: planted('variable') }],
  };
  return stringify({
    clusters: [
      { name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } },
      { name: 'd', cluster: { server: 'https://d', 'proxy-url': `http://u:${planted('proxy')}@p` } },
    ],
    users: [
      { name: 'u', user: { exec } },
      { name: 'v', user: { username: 'v', password: planted('password'), token: planted('token') } },
    ],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'shop' } }],
    'current-context': 'x',
  });
}

const secretManifest = stringify({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'planted' },
  stringData: { password: planted('manifest') },
});
const chart = { 'chart/Chart.yaml': 'apiVersion: v2\nname: shop\nversion: 1.0.0\n' };
const helmInputs = {
  release: 'shop',
  password: planted('chart-password'),
  username: 'robot',
  chart: 'chart',
  set: `a=${planted('set')}`,
  'set-string': `b=${planted('set-string')}`,
  values: `c: !plain ${planted('values')}`,
};
const build = {
  image: 'registry.example/acme/shop',
  username: 'robot',
  password: planted('registry-password'),
  secrets: `npm=${planted('build-secret')}`,
  'build-args': `NPM_TOKEN=${planted('build-argument')}`,
  'reuse-secret': planted('reuse-secret'),
  'builder-kind': 'buildx',
};
const canaryInputs = {
  workload: 'deployment/checkout',
  service: 'checkout',
  route: 'virtualservice/checkout',
  steps: '50 for 1m, 100',
};
const prometheus = {
  'prometheus-token': planted('prometheus-token'),
  'prometheus-headers': `X-Api-Key: ${planted('header')}`,
};
const event = { GITHUB_REPOSITORY: 'acme/shop', GITHUB_SHA: commit };
const statusInputs = {
  environment: 'production',
  'commit-status': 'release',
  'job-status': 'success',
  state: 'success',
};

/** Each kind of server is asked, and says all that it was asked with. */
const drillInputs = {
  service: 'checkout',
  faults: 'istio-abort 503 20% on virtualservice/checkout for 5s',
  requests: '{check: load, from: loki, requests: [GET /]}',
  issue: 'true',
  token: planted('issue-token'),
};

const gateInputs = {
  namespace: 'shop',
  checks: `
- {check: promql, query: max(a), above: 1}
- {check: requests, metrics: istio, workload: deployment/checkout, limit: 1%}
- {check: requests, name: own, metrics: http, workload: deployment/checkout, limit: 1%}
- {check: loki, query: '{app="shop"} |= "error"', most: 0}
- {check: alerts, matching: ['severity="page"']}
- {check: elasticsearch, index: logs, query: 'level:error', most: 0}
- {check: pod-logs, workload: deployment/checkout, pattern: panic, most: 0}
- {check: github, checks: [build]}
- {check: probe, from: loki}
- check: load
  name: by-connection
  from: loki
  requests: ["/a?key=${planted('key-of-a-request')}", {request: POST /b, body: {password: ${planted('body-of-a-request')}}}]
  for: 1s
  limit: 1%
  not-seen-by: [promql, requests, own, loki, elasticsearch, pod-logs]
- {check: load, service: 'checkout:80', requests: [GET /a], for: 1s, limit: 1%, seen-by: [promql, loki], not-seen-by: [requests, own, elasticsearch, pod-logs]}
`,
  token: planted('github-token'),
};

interface Case extends Omit<InProcess, 'run' | 'commands'> {
  readonly action: string;
  readonly run: () => Promise<void>;
  readonly fails: boolean;
}

/** Every action on a way that succeeds and on one that fails; where the cluster refuses, it says all that it was asked with. */
function cases(): Case[] {
  const good = { kubeconfig: kubeconfig(lab.api.url) };
  const bad = { kubeconfig: kubeconfig(tellerUrl) };
  const start = {
    canary: () => run(canary, 'main', process.env),
    rollback: () => run(rollback, 'main', process.env),
    steer: () => run(steer, 'main', process.env),
    'helm-deploy': () => run(helmDeploy, 'main', process.env),
    'kubectl-deploy': () => run(kubectlDeploy, 'main', process.env),
    'build-push': () => run(buildPush, 'main', process.env),
    'deployment-status': () => run(deploymentStatus, 'main', process.env),
    gate: () => run(gate, 'main', process.env),
    drill: () => run(drill, 'main', process.env),
    'release-parts': () => run(releaseParts, 'main', process.env),
  };
  const one = (action: keyof typeof start, fails: boolean, given: Omit<InProcess, 'run' | 'commands'>): Case => ({
    action,
    run: start[action],
    fails,
    ...given,
  });
  const connections = `
loki: {address: '${tellerUrl}', token: ${planted('loki-token')}, headers: {X-Api-Key: ${planted('loki-header')}}}
alertmanager: {address: '${tellerUrl}', username: robot, password: ${planted('alert-password')}}
elasticsearch: {address: '${tellerUrl}', headers: {Authorization: ApiKey ${planted('elastic-key')}}}
`;
  const dry = { 'dry-run': 'true' };
  const token = planted('api-token');
  return [
    one('canary', false, { inputs: { ...good, ...canaryInputs, image: lab.stableImage, meter: 'none', ...dry } }),
    one('canary', true, {
      inputs: { ...bad, ...canaryInputs, ...prometheus, image: 'a:2', meter: 'prometheus', prometheus: tellerUrl },
    }),
    one('canary', true, {
      inputs: {
        ...{ ...good, ...canaryInputs, ...dry, image: lab.stableImage, meter: 'none', connections },
        checks: `- {check: loki, query: '{app="shop"} |= "error"', most: 0}\n- {check: elasticsearch, index: logs, query: a, most: 0}`,
        token: planted('github-token'),
      },
    }),
    one('rollback', false, { inputs: { ...good, workload: 'deployment/checkout', service: 'checkout', ...dry } }),
    one('rollback', true, { inputs: { ...bad, workload: 'deployment/checkout' } }),
    one('steer', false, { inputs: { ...good, rollout: 'planted', command: 'approve', timeout: '20s' } }),
    one('steer', true, { inputs: { ...bad, rollout: 'checkout', command: 'approve' } }),
    one('kubectl-deploy', false, {
      inputs: { ...good, name: 'planted', manifests: 'secret.yaml' },
      files: { 'secret.yaml': secretManifest },
    }),
    one('kubectl-deploy', true, {
      inputs: { ...bad, name: 'planted', manifests: 'secret.yaml' },
      files: { 'secret.yaml': secretManifest },
    }),
    one('helm-deploy', false, { inputs: { ...good, release: 'shop', mode: 'uninstall' }, files: chart }),
    one('helm-deploy', true, { inputs: { ...good, ...helmInputs }, files: chart, env: { PROGRAM_FAILS: '1' } }),
    one('helm-deploy', true, { inputs: { ...good, ...helmInputs, set: 'a={planted' }, files: chart }),
    one('helm-deploy', true, {
      inputs: {
        ...good,
        release: 'shop',
        chart: 'shop',
        repository: `https://robot:${planted('repository')}@charts.example`,
      },
      env: { PROGRAM_FAILS: '1' },
    }),
    one('build-push', false, {
      inputs: { ...build, push: 'false', 'reuse-secret': '' },
      files: { Dockerfile: 'FROM scratch\n' },
      env: { DOCKER_CONFIG: join(folder, 'docker-config') },
    }),
    one('build-push', true, {
      inputs: { ...build, push: 'false', 'reuse-secret': '' },
      files: { Dockerfile: 'FROM scratch\n' },
      env: { DOCKER_CONFIG: join(folder, 'docker-config'), PROGRAM_FAILS: '1' },
    }),
    one('build-push', true, { inputs: { ...build, 'build-args': planted('no-pair') } }),
    one('deployment-status', false, { inputs: { ...statusInputs, token, 'api-url': github.url }, env: event }),
    one('deployment-status', false, { inputs: { ...statusInputs, token, 'api-url': tellerUrl }, env: event }),
    one('deployment-status', true, { inputs: { ...statusInputs, token, 'api-url': github.url } }),
    one('gate', true, {
      inputs: { ...bad, ...gateInputs, ...prometheus, prometheus: tellerUrl, connections },
      env: { ...event, GITHUB_API_URL: tellerUrl },
    }),
    one('gate', false, {
      env: { ...event, GITHUB_API_URL: tellerUrl },
      inputs: { ...bad, ...gateInputs, ...prometheus, prometheus: tellerUrl, connections, 'on-undecided': 'pass' },
    }),
    one('gate', true, { inputs: { ...bad, ...gateInputs, connections: `loki: {tokn: ${planted('no-token')}}` } }),
    one('drill', false, { inputs: { ...good, service: 'checkout', mode: 'clean-up', connections, token } }),
    one('drill', true, {
      inputs: { ...good, ...drillInputs, ...prometheus, prometheus: tellerUrl, connections, ...dry },
    }),
    one('drill', true, { inputs: { ...bad, ...drillInputs, ...prometheus, prometheus: tellerUrl, connections } }),
    one('drill', true, { inputs: { ...bad, ...drillInputs, faults: `pod-kil ${planted('no-fault')}`, token } }),
    one('release-parts', false, { inputs: { at: 'begin', release: 'shop', image: 'registry.example/acme/shop' } }),
    one('release-parts', true, { inputs: { at: 'begin', kubeconfig: planted('not-an-input') } }),
  ];
}

function expectNothingPlanted({ log, files }: Shown): void {
  expect(log).not.toContain(PLANTED);
  expect(log).not.toContain(Buffer.from(PLANTED).toString('base64').slice(0, 8));
  for (const [path, text] of files) expect(text, path).not.toContain(PLANTED);
}

describe('secrets that are planted in every place', () => {
  it('are nowhere in what an action shows, leaves, or starts others with', async () => {
    const seen: { action: string; failed: boolean; log: string }[] = [];
    const [log, commands] = [join(folder, 'programs.log'), join(folder, 'commands')];
    await mkdir(commands);
    for (const { action, fails, ...given } of cases()) {
      await writeFile(log, '');
      await writeFile(join(folder, 'plugin.log'), '');
      const path = [folder, process.env.PATH].join(delimiter);
      const env = { ...ofJob, PATH: path, PROGRAM_LOG: log, ...given.env };
      const shown = await runInProcess({ ...given, env, commands });
      seen.push({ action, failed: shown.failed, log: shown.log });
      expect(shown.failed, `${action}: ${shown.log}`).toBe(fails);
      expectNothingPlanted(shown);
      const programs = await readFile(log, 'utf8');
      for (const line of programs.split('\n').filter((each) => each.startsWith('args: ')))
        expect(line).not.toContain(PLANTED);
      const started = programs + (await readFile(join(folder, 'plugin.log'), 'utf8'));
      expect(started).not.toMatch(/(?:^|["\n])(?:INPUT|STATE)_/);
      for (const token of [ofJob.ACTIONS_RUNTIME_TOKEN, ofJob.STATE_other]) expect(started).not.toContain(token);
    }
    expect(new Set(seen.map(({ action }) => action))).toEqual(
      new Set(documentedActions.flatMap(({ name }) => (name === '' ? [] : [name]))),
    );
  }, 120_000);
});
