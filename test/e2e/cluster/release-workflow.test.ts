import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prepareContents } from '../../../lab/cluster/contents.ts';
import { labAgent } from '../../../lab/cluster/host.ts';
import { connect } from '../../../lab/cluster/kubernetes.ts';
import { endpoints, kubeconfigPath } from '../../../lab/cluster/layout.ts';
import { programPath } from '../../../lab/cluster/programs.ts';
import { run as runToEnd } from '../../../lab/programs/commands.ts';
import { waitUntil } from '../../../lab/programs/wait.ts';
import { commit, githubToken, startGitHub } from '../../support/github-double.ts';
import { startBuildKit } from '../images/lab.ts';
import { runWorkflow, starter, type WorkflowOptions } from '../workflows/act.ts';
import { documentedRules, rulesFor } from './documented-roles.ts';
import { createAccount, rightsFor } from './shop.ts';
import { keep, underLoad } from './traffic.ts';

const never = new AbortController().signal;

/** What is installed on the runner: buildx with a BuildKit, and Helm. */
const machine = { path: [dirname(programPath('buildx')), dirname(programPath('helm'))], env: { BUILDX_CONFIG: '' } };
let buildKit: Awaited<ReturnType<typeof startBuildKit>>;

beforeAll(async () => {
  buildKit = await startBuildKit();
  machine.env.BUILDX_CONFIG = await mkdtemp(join(tmpdir(), 'sluice-buildx-'));
  const args = ['create', '--name', 'lab', '--driver', 'remote', '--use', buildKit.address];
  await runToEnd(programPath('buildx'), args, { env: machine.env });
}, 900_000);

afterAll(async () => {
  await buildKit.stop();
  await rm(machine.env.BUILDX_CONFIG, { recursive: true, force: true });
});

/** The chart that a team has, as far as the lab's gateway asks for it. */
function chart(host: string): Record<string, string> {
  return {
    'chart/Chart.yaml': 'apiVersion: v2\nname: checkout\nversion: 1.0.0\n',
    'chart/values.yaml': `host: ${host}\nroute: true\nhook: false\nimage:\n  repository: ''\n  tag: ''\n`,
    'chart/templates/objects.yaml': `
apiVersion: apps/v1
kind: Deployment
metadata: { name: {{ .Release.Name }} }
spec:
  replicas: 2
  selector: { matchLabels: { app: {{ .Release.Name }} } }
  template:
    metadata:
      labels: { app: {{ .Release.Name }} }
      annotations: { prometheus.io/scrape: "true", prometheus.io/port: "8080", prometheus.io/path: /metrics }
    spec:
      terminationGracePeriodSeconds: 10
      containers:
        - name: service
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
          ports: [{ name: http, containerPort: 8080 }]
          readinessProbe: { httpGet: { path: /healthz, port: http }, periodSeconds: 1 }
          lifecycle: { preStop: { sleep: { seconds: 2 } } }
---
apiVersion: v1
kind: Service
metadata: { name: {{ .Release.Name }} }
spec:
  selector: { app: {{ .Release.Name }} }
  ports: [{ name: http, port: 80, targetPort: http }]
{{- if .Values.route }}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: {{ .Release.Name }} }
spec:
  hosts: [{{ .Values.host }}]
  gateways: [istio-system/ingress]
  http: [{ name: primary, route: [{ destination: { host: {{ .Release.Name }} } }] }]
{{- end }}
{{- if .Values.hook }}
---
apiVersion: batch/v1
kind: Job
metadata: { name: {{ .Release.Name }}-check, annotations: { helm.sh/hook: post-upgrade } }
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: check
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
          command: [/not-there]
{{- end }}
`,
  };
}

/** The repository of a service of the lab: a Dockerfile and a chart. */
async function repository(host: string, env: string) {
  return {
    ...chart(host),
    'service.tar': await readFile((await prepareContents(never)).layers.demo.tar),
    Dockerfile: `FROM scratch\nADD service.tar /\nENV ${env}\nENTRYPOINT ["/demo-service"]\n`,
  };
}

/** What GitHub tells of a push that has brought the commit which its double knows. */
const pushed = { deleted: false, after: commit, head_commit: { id: commit }, repository: { name: 'shop' } };

/** A namespace with nothing in it but a service account that has the documented rights. */
async function inEmptyNamespace(
  tell: (place: { readonly namespace: string; readonly kubeconfig: string }) => Promise<void>,
) {
  const api = await connect();
  const namespace = `flows-${randomBytes(3).toString('hex')}`;
  await api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  try {
    const routes = { apiGroups: ['networking.istio.io'], resources: ['virtualservices'], verbs: ['*'] };
    const rules = [
      ...(await documentedRules(rightsFor.istio)),
      ...rulesFor(['checkout', 'checkout-canary'], await documentedRules('An ordinary service', 'helm-deploy')),
      routes,
    ];
    await tell({ namespace, kubeconfig: await createAccount(api, namespace, 'sluice', rules) });
  } finally {
    await api.delete(`/api/v1/namespaces/${namespace}`);
  }
}

describe.concurrent('A copy of the starter workflow release, run by act', () => {
  test('builds and installs v1, rolls a bad v2 back, promotes a good one, and tells GitHub of it', {
    timeout: 420_000,
  }, async () => {
    await using github = await startGitHub();
    await inEmptyNamespace(async ({ namespace, kubeconfig }) => {
      const host = `${namespace}.istio.example`;
      const workflow = await starter('release');
      const telling = /^ +(?:deployment|environment-url|deployments): .*\n/gm;
      const more = 'commit-status: release\n      comment: auto\n      issue-on-rollback: true\n';
      const variants = {
        silent: workflow.replaceAll(telling, ''),
        telling: workflow.replace(/^ +deployment: .*\n/m, (line) => `${line}      ${more}`),
      };
      type Release = Pick<WorkflowOptions, 'event' | 'inputs'> & { variant: keyof typeof variants; run: string };
      const release = async (env: string, { variant, run, ...how }: Release) =>
        runWorkflow({
          workflow: variants[variant],
          ...how,
          ...(how.event === 'push' && { payload: pushed }),
          files: await repository(host, env),
          machine: { ...machine, env: { ...machine.env, GITHUB_API_URL: github.url, GITHUB_RUN_ID: run } },
          secrets: { KUBECONFIG: kubeconfig, REGISTRY_PASSWORD: 'not asked for', GITHUB_TOKEN: githubToken },
          vars: {
            SLUICE_NAME: 'checkout',
            SLUICE_NAMESPACE: namespace,
            SLUICE_IMAGE: `${endpoints.registry}/${namespace}`,
            SLUICE_INSECURE_REGISTRIES: endpoints.registry,
            SLUICE_SBOM: 'false',
            SLUICE_ROUTE_KIND: 'virtualservice',
            SLUICE_STEPS: '10 for 3s, 50 for 3s, 100',
            SLUICE_URL: 'https://shop.example',
          },
          deadline: 180_000,
        });
      const revisions = () => statesOf('checkout', namespace);

      const first = await release('VERSION=v1 ERROR_RATE=0.005', {
        event: 'push',
        variant: 'silent',
        run: '1',
      });
      const installed = await first.ended;
      await first.clean();
      expect(installed.status, installed.log).toBe(0);
      expect(installed.summary).toContain('First release');
      expect(await revisions()).toEqual(['deployed']);
      expect(github.requests).toEqual([]);

      const bad = await underLoad({ host }, () =>
        release('VERSION=v2 ERROR_RATE=1', { event: 'push', variant: 'telling', run: '2' }),
      );
      const badFigures = await keep('release-workflow-bad', bad);
      expect(badFigures, bad.ended.log).toMatchObject({ verdict: 'rolled-back', after: ['v1'] });
      expect(bad.ended.status).toBe(1);
      expect(await revisions()).toEqual(['deployed']);
      expect(github.deployments).toMatchObject([{ environment: 'production', description: 'checkout', sha: commit }]);
      expect(github.deploymentStatuses).toMatchObject([
        { state: 'in_progress' },
        {
          state: 'failure',
          description: expect.stringMatching(/^Rolled back \(sha256:\w{7} → sha256:\w{7}\): .+/),
          // The page of the canary's report.
          log_url: 'https://github.com/acme/shop/actions/runs/2/artifacts/1',
          environment_url: 'https://shop.example',
        },
      ]);
      expect(github.commitStatuses.map(({ context, state }) => [context, state])).toEqual([
        ['release', 'pending'],
        ['release', 'failure'],
      ]);
      expect(github.issues).toMatchObject([
        { title: expect.stringMatching(/^Rolled back: checkout \S+ \(commit [0-9a-f]{7}\) to production$/) },
      ]);
      expect(github.issues[0]?.body).toContain('https://github.com/acme/shop/actions/runs/2');
      expect(github.comments).toMatchObject([{ issue: 7, body: expect.stringContaining('Rolled back') }]);

      const good = await underLoad({ host }, () =>
        release('VERSION=v2 ERROR_RATE=0.005', { event: 'push', variant: 'telling', run: '3' }),
      );
      const goodFigures = await keep('release-workflow-good', good);
      expect(goodFigures, good.ended.log).toMatchObject({ verdict: 'deployed', after: ['v2'], lost: 0 });
      expect(good.ended.status).toBe(0);
      expect(good.ended.log).toMatch(/Promoted at 100 %/);
      expect(await revisions()).toEqual(['superseded', 'deployed']);
      expect(github.deployments.map(({ id }) => github.states(id))).toEqual([
        ['in_progress', 'failure'],
        ['in_progress', 'success'],
      ]);
      expect(github.deploymentStatuses.at(-1)?.description).toMatch(/^Promoted \(sha256:\w{7} → sha256:\w{7}\): .+/);
      expect(github.commitStatuses.at(-1)).toMatchObject({ context: 'release', state: 'success' });
      expect(github.issues).toHaveLength(1);
      expect(github.comments).toMatchObject([{ issue: 7, body: expect.stringContaining('Promoted') }]);
      expect(bad.ended.log + good.ended.log).not.toContain(githubToken);
    });
  });
});

/** Revisions of a Helm release, oldest first, by their status; none where it is not installed. */
async function statesOf(release: string, namespace: string): Promise<string[]> {
  const args = ['list', '--namespace', namespace, '--short', '--filter', `^${release}$`];
  const env = { KUBECONFIG: kubeconfigPath };
  if ((await runToEnd(programPath('helm'), args, { env })).trim() === '') return [];
  const history = ['history', release, '--namespace', namespace, '--output', 'json'];
  const text = await runToEnd(programPath('helm'), history, { env });
  return [...text.matchAll(/"status":"([^"]+)"/g)].map(([, status = '']) => status);
}

describe.concurrent('The action in the root, run by act', () => {
  const workflow = `on: { workflow_dispatch: { inputs: { canary: { type: string }, hook: { type: string, default: "false" } } } }
jobs:
  release:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
      - uses: OWNER/sluice@v1
        id: whole
        with:
          kubeconfig: \${{ secrets.KUBECONFIG }}
          namespace: \${{ vars.NAMESPACE }}
          release: checkout
          image: \${{ vars.IMAGE }}
          insecure-registries: \${{ vars.REGISTRY }}
          sbom: "false"
          chart: chart
          canary: \${{ inputs.canary }}
          values: "hook: \${{ inputs.hook }}"
          canary-values: "\${{ inputs.canary == 'release' && 'route: false' || '' }}"
          steps: \${{ inputs.canary != 'none' && '10 for 3s, 50 for 3s, 100' || '' }}
`;
  /** A namespace with the release's first version, and what starts a further release there. */
  async function inFirstRelease(tell: (place: Released) => Promise<void>): Promise<void> {
    await inEmptyNamespace(async ({ namespace, kubeconfig }) => {
      const host = `${namespace}.istio.example`;
      const release = async (env: string, inputs: Readonly<Record<string, string>>) =>
        runWorkflow({
          workflow,
          event: 'workflow_dispatch',
          inputs,
          files: await repository(host, env),
          machine,
          secrets: { KUBECONFIG: kubeconfig },
          vars: { NAMESPACE: namespace, IMAGE: `${endpoints.registry}/${namespace}`, REGISTRY: endpoints.registry },
          deadline: 200_000,
        });
      // Nothing serves yet: it is deployed whatever it would be compared as.
      const first = await release('VERSION=v1 ERROR_RATE=0.005', { canary: 'workload' });
      const installed = await first.ended;
      await first.clean();
      expect(installed.status, installed.log).toBe(0);
      expect(installed.outputs).toMatchObject({ verdict: 'deployed', revision: '1' });
      const states = async () => [await statesOf('checkout', namespace), await statesOf('checkout-canary', namespace)];
      await tell({ host, release, states });
    });
  }
  interface Released {
    readonly host: string;
    release(env: string, inputs: Readonly<Record<string, string>>): ReturnType<typeof runWorkflow>;
    /** Of the release and of its canary. */
    states(): Promise<string[][]>;
  }
  const good = 'VERSION=v2 ERROR_RATE=0.005';

  test.each(['release', 'workload'])(
    'compares by a canary that is a %s, and both endings leave nothing behind',
    {
      timeout: 420_000,
    },
    (canary) =>
      inFirstRelease(async ({ host, release, states }) => {
        const worse = await underLoad({ host }, () => release('VERSION=v2 ERROR_RATE=1', { canary }));
        const worseFigures = await keep(`release-action-${canary}-bad`, worse);
        expect(worseFigures, worse.ended.log).toMatchObject({ verdict: 'rolled-back', after: ['v1'] });
        expect(worse.ended.status).toBe(1);
        expect(await states()).toEqual([['deployed'], []]);

        const better = await underLoad({ host }, () => release(good, { canary }));
        const betterFigures = await keep(`release-action-${canary}-good`, better);
        expect(betterFigures, better.ended.log).toMatchObject({ verdict: 'promoted', after: ['v2'], lost: 0 });
        expect(better.ended.status).toBe(0);
        expect(better.ended.summary).toMatch(/^## Release checkout \S+ → \S+ \(commit [0-9a-f]{7}\): promoted$/m);
        expect(await states()).toEqual([['superseded', 'deployed'], []]);
      }),
  );

  test('undoes all of it where the release can not be deployed after its canary has passed', { timeout: 420_000 }, () =>
    inFirstRelease(async ({ host, release, states }) => {
      const failing = { canary: 'release', hook: 'true' };
      const seen = await underLoad({ host }, () => release(good, failing));
      const figures = await keep('release-action-undone', seen);
      expect(figures, seen.ended.log).toMatchObject({ verdict: 'rolled-back', after: ['v1'], lost: 0 });
      expect(seen.ended.status).toBe(1);
      expect(await states()).toEqual([['superseded', 'failed', 'deployed'], []]);
    }),
  );

  test(
    'that dies while its canary serves everything is undone by the next one, which then gets through',
    {
      timeout: 420_000,
    },
    () =>
      inFirstRelease(async ({ host, release, states }) => {
        const canary = 'release';
        const seen = await underLoad(
          { host },
          () => release(good, { canary }),
          async (run) => {
            await waitUntil(async () => run.printed().includes('Writing revision 2'), {
              what: 'the deploy after the canary',
              timeout: 120_000,
              signal: never,
            });
            run.kill();
            await run.ended;
            return release(good, { canary });
          },
        );
        const figures = await keep('release-action-killed', seen);
        expect(figures, seen.ended.log).toMatchObject({ verdict: 'promoted', after: ['v2'], lost: 0 });
        expect(seen.ended.log).toContain('left unfinished');
        const [stable, beside] = await states();
        expect([stable?.at(-1), beside]).toEqual(['deployed', []]);
      }),
  );

  test('refuses inputs before anything is built', async () => {
    const run = await runWorkflow({
      workflow: workflow.replace('chart: chart', 'chart: ""'),
      event: 'workflow_dispatch',
      inputs: { canary: 'release' },
      files: { Dockerfile: 'FROM scratch\n' },
      machine,
      secrets: { KUBECONFIG: 'none' },
      vars: { NAMESPACE: 'shop', IMAGE: `${endpoints.registry}/none`, REGISTRY: endpoints.registry },
      deadline: 60_000,
    });
    const ended = await run.ended;
    await run.clean();
    expect(ended.status).toBe(1);
    expect(ended.log).toContain('installs the chart once more: give "chart"');
    expect(ended.outputs).toMatchObject({ verdict: 'failed' });
    expect(ended.steps.map(({ step }) => step)).not.toContain('whole/build');
  });
});

describe.concurrent('The reusable workflow pr-preview, run by act', () => {
  test('makes a preview in a namespace of its own, tells its address, and removes it', {
    timeout: 300_000,
  }, async () => {
    const github = await startGitHub();
    const api = await connect();
    const name = `preview-${randomBytes(3).toString('hex')}`;
    const namespace = `/api/v1/namespaces/${name}-pr-7`;
    const host = `${name}.istio.example`;
    const workflow = `on: { pull_request: { types: [opened, reopened, synchronize, closed] } }
jobs:
  preview:
    permissions: { contents: read, packages: write, deployments: write, pull-requests: write }
    uses: OWNER/sluice/.github/workflows/pr-preview.yml@v1
    with:
      name: ${name}
      image: ${endpoints.registry}/${name}
      url: https://pr-{0}.preview.example
      insecure-registries: ${endpoints.registry}
      sbom: "false"
    secrets:
      kubeconfig: \${{ secrets.KUBECONFIG }}
      registry-password: \${{ secrets.REGISTRY_PASSWORD }}
`;
    const happens = async (action: string, id: string) => {
      const head = { sha: commit, ref: 'topic', repo: { full_name: 'acme/shop' } };
      const run = await runWorkflow({
        workflow,
        event: 'pull_request',
        payload: { action, number: 7, pull_request: { number: 7, head, base: { ref: 'main' } } },
        files: await repository(host, 'VERSION=v1'),
        machine: { path: machine.path, env: { ...machine.env, GITHUB_API_URL: github.url, GITHUB_RUN_ID: id } },
        secrets: {
          KUBECONFIG: await readFile(kubeconfigPath, 'utf8'),
          REGISTRY_PASSWORD: 'not asked for',
          GITHUB_TOKEN: githubToken,
        },
        deadline: 140_000,
      });
      const ended = await run.ended;
      await run.clean();
      return ended;
    };
    try {
      const opened = await happens('opened', '1');
      expect(opened.status, opened.log).toBe(0);
      expect(github.deploymentStatuses.map(({ state }) => state)).toContain('success');
      expect(github.comments.map(({ body }) => body).join()).toContain('https://pr-7.preview.example');
      const answer = await request(endpoints.gateway, { dispatcher: labAgent, headers: { host } });
      await answer.body.dump();
      expect(answer.headers['x-version']).toBe('v1');

      const closed = await happens('closed', '2');
      expect(closed.status, closed.log).toBe(0);
      await expect(api.get(namespace)).rejects.toThrow();
      const states = new Map(github.deploymentStatuses.map(({ deployment, state }) => [deployment, state]));
      expect([...states.values()]).toEqual(['inactive', 'inactive']);
      expect(github.comments).toHaveLength(1);
      expect(github.comments[0]?.body).toContain('The preview is removed');
      expect(closed.log).not.toContain(githubToken);
    } finally {
      await api.delete(namespace).catch(() => undefined);
      await github.stop();
    }
  });
});
