import { request } from 'undici';
import type { Verdict } from '../../src/canary/ports.ts';
import { type JsonRecord, kubeObject, recordOf } from './api-server/objects.ts';
import { findKind } from './api-server/resources.ts';
import { digestOf } from './images.ts';
import { type Lab, type LabOptions, startLab } from './index.ts';
import { actionFolder, type Ended, type Run, runAction } from './runner.ts';
import type { Answered } from './service.ts';
import type { RouterKind } from './shop.ts';

/** One scenario of the lab: what is released, what goes wrong meanwhile, and how it should end. */
export interface Scenario {
  readonly title: string;
  readonly lab: LabOptions;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly before?: (lab: Lab) => Promise<void>;
  /** What happens while the rollout runs. Returns the run whose end counts, if that is another one. */
  readonly meanwhile?: (stage: Stage) => Promise<Run | undefined>;
  readonly verdict: Verdict;
  /** Whether the route is restored to its first state in the end. */
  readonly routeRestored: boolean;
}

interface Stage {
  readonly lab: Lab;
  readonly run: Run;
  /** Resolves when the gateway sends at least this weight to the canary. */
  reached(weight: number): Promise<void>;
  /** Starts the same release in a second job. */
  again(): Promise<Run>;
}

/** The result of a scenario; the last line of `npm run demo -- --json`. Counts are requests. */
interface ScenarioResult {
  readonly scenario: string;
  readonly verdict: string;
  readonly reason: string;
  readonly canaryRequests: number;
  readonly canaryBad: number;
  readonly secondsToVerdict: number;
  readonly weightReached: number;
  readonly routeRestored: boolean;
}

export interface Played {
  readonly result: ScenarioResult;
  readonly ended: Ended;
  /** The runs that did not count: one that was killed, or the second of two. */
  readonly others: readonly Ended[];
  readonly lab: Lab;
  /** Removes the files of all runs. */
  clean(): Promise<void>;
}

const quick = '5 for 4s, 25 for 4s, 50 for 4s, 100';
const healthy = { stable: { errorRate: 0.005 }, canary: { errorRate: 0.005 }, rate: 200 } as const;
const bad = (errorRate: number) => ({ ...healthy, canary: { errorRate } });

/** Labels that many tutorials give to the counter of requests; one has the name of a label of scrape targets. */
function byEndpoint({ method, path, code }: Answered) {
  return { method, endpoint: path, status: String(code) };
}

export const scenarios = {
  healthy: {
    title: 'A release as good as the one before (0.5 % errors) is promoted',
    lab: healthy,
    verdict: 'promoted',
    routeRestored: true,
  },
  'errors-2pct': {
    title: 'A release with 2 % errors where 0.5 % are usual is rolled back',
    lab: { ...bad(0.02), rate: 300 },
    inputs: { steps: '5 for 4s, 25 for 10s, 50 for 30s, 100' },
    verdict: 'rolled-back',
    routeRestored: true,
  },
  'errors-5pct': {
    title: 'A release with 5 % errors is rolled back',
    lab: bad(0.05),
    inputs: { steps: '5 for 10s, 25 for 10s, 50 for 10s, 100' },
    verdict: 'rolled-back',
    routeRestored: true,
  },
  'errors-10pct': {
    title: 'A release with 10 % errors is rolled back',
    lab: bad(0.1),
    inputs: { steps: '5 for 10s, 25 for 10s, 50 for 10s, 100' },
    verdict: 'rolled-back',
    routeRestored: true,
  },
  'errors-100pct': {
    title: 'A release that answers nothing but errors is rolled back',
    lab: bad(1),
    verdict: 'rolled-back',
    routeRestored: true,
  },
  'endpoint-label': {
    title: 'A release that fails only some requests of /pay is rolled back, where the service counts by endpoint',
    lab: {
      stable: { errorRate: 0.005, labels: byEndpoint },
      canary: { errorRate: 0.4, failingPath: '/pay', labels: byEndpoint },
      rate: 200,
      paths: ['/cart', '/pay'],
    },
    verdict: 'rolled-back',
    routeRestored: true,
  },
  slow: {
    title: 'A release that answers 300 ms later is rolled back',
    lab: { ...healthy, canary: { errorRate: 0.005, latency: 300 } },
    inputs: { checks: '- error-rate\n- check: latency\n  bound: 100ms' },
    verdict: 'rolled-back',
    routeRestored: true,
  },
  crashloop: {
    title: 'A release whose pods crash is taken off the route before any metric tells',
    lab: { ...healthy, canary: { crashAfter: 4_000 } },
    verdict: 'rolled-back',
    routeRestored: true,
  },
  'no-traffic': {
    title: 'Without requests nothing can be known: the rollout holds',
    lab: { ...healthy, rate: 0 },
    // There must have been some requests: counters that never existed count as a wrong query, and are refused.
    before: (lab) => sendRequests(lab, 20),
    inputs: { 'on-no-data': 'hold', 'no-data-patience': '4s' },
    verdict: 'held',
    routeRestored: false,
  },
  'status-words': {
    title: 'A release that answers nothing but errors, told by words in place of statuses, is rolled back',
    lab: { stable: { counts: 'words' }, canary: { counts: 'words', errorRate: 1 }, rate: 100 },
    verdict: 'rolled-back',
    routeRestored: true,
  },
  hangs: {
    title: 'A release that answers when its clients have long given up is rolled back',
    lab: { canary: { latency: 20_000 }, rate: 60, patience: 700 },
    inputs: { steps: '10 for 3s, 50 for 3s, 100 for 3s', metrics: 'istio', 'metrics-from': 'ingress/app=gateway' },
    verdict: 'rolled-back',
    routeRestored: true,
  },
  'own-scrapes': {
    title: 'Where Sluice’s own looks are counted as requests nothing is known by them: the rollout holds',
    lab: { stable: { counts: 'scrapes' }, canary: { counts: 'scrapes', errorRate: 1 }, rate: 0 },
    before: (lab) => sendRequests(lab, 20),
    inputs: { 'on-no-data': 'hold', 'no-data-patience': '4s' },
    verdict: 'held',
    routeRestored: false,
  },
  'metrics-down': {
    title: 'Prometheus goes away and does not come back: after the patience the route is restored',
    lab: { ...healthy, prometheus: { scrapeInterval: 1_000 } },
    // A metric that Prometheus has never seen counts as a wrong name.
    async before(lab) {
      await sendRequests(lab, 20);
      await lab.prometheus.scrape();
    },
    inputs: {
      meter: 'prometheus',
      prometheus: 'k8s://monitoring/prometheus:9090',
      metrics: 'http',
      'no-data-patience': '6s',
    },
    async meanwhile({ lab, reached }) {
      await reached(5);
      await lab.prometheus.stop();
      return undefined;
    },
    verdict: 'rolled-back',
    routeRestored: true,
  },
  'late-fault': {
    title: 'A fault that shows only under load, from 25 % on, is found there',
    lab: healthy,
    inputs: { steps: '5 for 4s, 25 for 10s, 50 for 10s, 100' },
    async meanwhile({ lab, reached }) {
      await reached(25);
      lab.images.set(lab.canaryImage, { errorRate: 0.1 });
      return undefined;
    },
    verdict: 'rolled-back',
    routeRestored: true,
  },
  cancelled: {
    title: 'The job is cancelled: the route is restored before the runner gives up',
    lab: healthy,
    async meanwhile({ run, reached }) {
      await reached(25);
      run.cancel();
      return undefined;
    },
    verdict: 'rolled-back',
    routeRestored: true,
  },
  killed: {
    title: 'The runner is lost (kill -9); the next run goes on where it was and promotes',
    lab: healthy,
    async meanwhile({ run, reached, again }) {
      await reached(25);
      run.kill();
      return again();
    },
    verdict: 'promoted',
    routeRestored: true,
  },
  'foreign-edit': {
    title: 'Somebody else changes the weights: they are left alone, and the rollout freezes',
    lab: healthy,
    async meanwhile({ lab, reached }) {
      await reached(5);
      changeWeights(lab, 10);
      return undefined;
    },
    verdict: 'frozen',
    routeRestored: false,
  },
  'admission-rewrites': {
    title:
      'Admission pins images to digests; a fault that begins with the promotion is taken back to the version before',
    lab: healthy,
    before: async (lab) => pinImages(lab),
    async meanwhile({ lab }) {
      await lab.until(() => stableImageOf(lab).includes(`${lab.canaryImage}@`), AbortSignal.timeout(100_000));
      lab.images.set(lab.canaryImage, { errorRate: 1 });
      return undefined;
    },
    verdict: 'rolled-back',
    routeRestored: true,
  },
  'two-at-once': {
    title: 'A second rollout on the same route is refused, and told who holds it',
    lab: healthy,
    async meanwhile({ reached, again }) {
      await reached(5);
      await again();
      return undefined;
    },
    verdict: 'promoted',
    routeRestored: true,
  },
} as const satisfies Readonly<Record<string, Scenario>>;

export type ScenarioName = keyof typeof scenarios;

export function isScenarioName(name: string): name is ScenarioName {
  return Object.hasOwn(scenarios, name);
}

/** Plays a scenario with the bundle that a workflow runs. The caller must call `stop` of the lab. */
export async function play(
  name: ScenarioName,
  onOutput?: (text: string) => void,
  env: Readonly<Record<string, string>> = {},
): Promise<Played> {
  const scenario: Scenario = scenarios[name];
  const lab = await startLab({ router: 'istio', arms: 'one', ...scenario.lab });
  await scenario.before?.(lab);
  const before = JSON.stringify(virtualService(lab).spec);
  const runs: Run[] = [];
  let job = 0;
  const start = async () => {
    job += 1;
    const started = await startRelease(lab, { job, inputs: scenario.inputs ?? {}, env, ...(onOutput && { onOutput }) });
    runs.push(started);
    return started;
  };
  const others: Promise<Ended>[] = [];
  const begun = performance.now();
  let run = await start();
  const stage: Stage = {
    lab,
    run,
    reached: (weight) => reached(lab, run, weight),
    async again() {
      const second = await start();
      others.push(second.ended);
      return second;
    },
  };
  const counting = await scenario.meanwhile?.(stage);
  if (counting) {
    others.splice(0, others.length, run.ended);
    run = counting;
  }
  const ended = await run.ended;
  const seconds = (performance.now() - begun) / 1_000;
  const { outputs } = ended;
  return {
    lab,
    ended,
    others: await Promise.all(others),
    async clean() {
      await Promise.all(runs.map((one) => one.clean()));
    },
    result: {
      scenario: name,
      verdict: outputs.verdict ?? '',
      reason: outputs.reason ?? '',
      canaryRequests: Number(outputs['canary-requests']),
      canaryBad: Number(outputs['canary-bad']),
      secondsToVerdict: Math.round(seconds * 10) / 10,
      weightReached: Number(outputs.weight),
      routeRestored: JSON.stringify(virtualService(lab).spec) === before,
    },
  };
}

export interface ReleaseOptions {
  /** The router with which the lab was started. */
  readonly router?: RouterKind;
  /** In addition to the inputs that release the lab's new image; an empty value omits an input. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** Environment of the job's machine. */
  readonly env?: Readonly<Record<string, string>>;
  /** Number of the job that releases. */
  readonly job?: number;
  readonly onOutput?: (text: string) => void;
}

/** Starts the release of the lab's new image, as a user's workflow would. */
export function startRelease(lab: Lab, options: ReleaseOptions = {}): Promise<Run> {
  const { router = 'istio', inputs = {}, env = {}, job = 1, onOutput } = options;
  const release = {
    kubeconfig: lab.kubeconfigPath,
    workload: 'deployment/checkout',
    image: lab.canaryImage,
    service: 'checkout',
    ...routeInputs[router],
    steps: quick,
    'min-requests': '20',
    meter: 'pods',
    drain: '1s',
  };
  return runAction({
    action: actionFolder('canary'),
    inputs: { ...release, ...inputs },
    env: { ...env, GITHUB_RUN_ID: String(job), RUNNER_NAME: `runner-${job}` },
    ...(onOutput && { onOutput }),
  });
}

const routeInputs: Readonly<Record<RouterKind, Readonly<Record<string, string>>>> = {
  istio: { route: 'virtualservice/checkout', 'stable-subset': 'stable' },
  'istio-hosts': { route: 'virtualservice/checkout' },
  'gateway-api': { route: 'httproute/checkout' },
  nginx: { route: 'ingress/checkout' },
  traefik: { route: 'traefikservice/checkout' },
  replicas: { router: 'replicas' },
};

/** Resolves when the gateway sends at least this weight to the canary; rejects if the run ends before. */
export function reached(lab: Lab, run: Run, weight: number): Promise<void> {
  return Promise.race([lab.until(() => lab.canaryWeight() >= weight), endedBefore(run, weight)]);
}

async function sendRequests(lab: Lab, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent++) {
    const { body } = await request(lab.gateway.url, { headers: { host: lab.host } });
    await body.dump();
  }
}

async function endedBefore(run: Run, weight: number): Promise<never> {
  const { log } = await run.ended;
  throw new Error(`the run ended before it reached a weight of ${weight} %:\n${log}`);
}

function virtualService(lab: Lab): JsonRecord {
  const kind = findKind('networking.istio.io/v1', 'VirtualService');
  const object = kind && lab.api.storage.get(kind, lab.namespace, 'checkout');
  if (!object) throw new Error('the lab has no VirtualService checkout');
  return object;
}

/** Acts like an admission rule such as Kyverno's "mutateDigest". */
function pinImages(lab: Lab): void {
  const pinned = (_: string, value: unknown) =>
    typeof value === 'string' && [lab.stableImage, lab.canaryImage].includes(value)
      ? `${value}@${digestOf(value)}`
      : value;
  lab.api.admission.add({
    name: 'pin-images',
    kinds: ['Deployment', 'Pod'],
    admit: (object) => kubeObject.parse(JSON.parse(JSON.stringify(object, pinned))),
  });
}

function stableImageOf(lab: Lab): string {
  const kind = findKind('apps/v1', 'Deployment');
  const { template } = recordOf(recordOf(kind && lab.api.storage.get(kind, lab.namespace, 'checkout')).spec);
  return JSON.stringify(template ?? '');
}

/** Acts like somebody who edits the route by hand. */
function changeWeights(lab: Lab, canary: number): void {
  const { metadata: _, ...found } = structuredClone(virtualService(lab));
  const text = JSON.stringify(found)
    .replace(/"weight":95/, `"weight":${100 - canary}`)
    .replace(/"weight":5\b/, `"weight":${canary}`);
  lab.api.put({ ...JSON.parse(text), metadata: { name: 'checkout', namespace: lab.namespace } });
}
