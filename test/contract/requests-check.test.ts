import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startApiServer } from '../../lab/embedded/api-server/index.ts';
import { startPrometheus } from '../../lab/embedded/prometheus/index.ts';
import { createSeriesStore, type SeriesStore } from '../../lab/embedded/prometheus/series.ts';
import type { BuiltCheck } from '../../src/actions/checks/check-kind.ts';
import { createClient, type KubernetesClient } from '../../src/cluster/client.ts';
import { loadConfig } from '../../src/cluster/kubeconfig.ts';
import { connect } from '../../src/cluster/transport.ts';
import type { Window } from '../../src/judge/looks/look.ts';
import { parseExposition } from '../../src/meters/pods/exposition.ts';
import { createPrometheusApi } from '../../src/meters/prometheus/api.ts';
import { metricsPresets } from '../../src/meters/queries/default-queries.ts';
import { builtCheck, checkPlace } from '../support/check-place.ts';
import { type Answered, canaryVersion, presetSeries, stableVersion, type Version } from '../support/preset-series.ts';
import { createVirtualClock } from '../support/virtual-clock.ts';

const now = Date.UTC(2026, 0, 1);
const window: Window = { from: now - 120_000, to: now };
const DAY = 86_400_000;
const signal = AbortSignal.timeout(60_000);

let api: Awaited<ReturnType<typeof startApiServer>>;
let client: KubernetesClient;
/** What the Prometheus of a test has scraped. */
let store: SeriesStore;
let prometheus: Awaited<ReturnType<typeof startPrometheus>>;

beforeAll(async () => {
  api = await startApiServer();
  client = createClient(connect(loadConfig({ kubeconfig: api.kubeconfig(), context: '', env: {} }), {}));
  api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  for (const { workload } of [stableVersion, canaryVersion]) {
    const labels = { app: workload };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'app' }] } };
    api.put({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: workload, namespace: 'shop' },
      spec: { selector: { matchLabels: labels }, template },
    });
  }
});
beforeEach(async () => {
  await prometheus?.stop();
  store = createSeriesStore();
  prometheus = await startPrometheus(api.storage, { store, now: () => now });
  prometheus.setScraping(false);
});
afterAll(async () => {
  await prometheus.stop();
  await client.close();
  await api.stop();
});

/** A pod of the API server with these probes. */
function putPod({ workload, pod }: Version, container: object = {}): void {
  api.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod, namespace: 'shop', labels: { app: workload } },
    spec: { containers: [{ name: 'app', image: 'app', ...container }] },
  });
}

const grown = (per15s: Answered, scrapes: number): Answered => ({
  ok: 1_000 + per15s.ok * scrapes,
  failed: 10 + per15s.failed * scrapes,
  slow: 5 + per15s.slow * scrapes,
});

/** Scrapes every 15 s for four minutes before a time, in which these were answered each time. */
function scrape(shown: (answered: Answered) => string, per15s: Partial<Answered>, until = now): void {
  const rate = { ok: 0, failed: 0, slow: 0, ...per15s };
  for (let scrapes = 0; scrapes <= 16; scrapes += 1) {
    const at = until - (16 - scrapes) * 15_000;
    for (const { labels, value } of parseExposition(shown(grown(rate, scrapes)), () => true))
      store.append({ job: 'scraped', instance: '10.0.0.1:80', ...labels }, { at, value });
  }
}

const of =
  (kind: keyof typeof presetSeries, version: Version) =>
  (answered: Answered): string =>
    presetSeries[kind](version, answered);

function checkOf(yaml: string): BuiltCheck {
  const world = { env: {}, clock: createVirtualClock(now) };
  const place = checkPlace({ client, world });
  return builtCheck(`- {check: requests, ${yaml}}`, {
    ...place,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder of queries
    expand: (template) => template.replace('${namespace}', 'shop'),
    prometheus: () => createPrometheusApi({ address: prometheus.url }, world),
  });
}

/** Looks once, as the gate does. */
async function look(yaml: string, given: Window = window) {
  const { source, reference, rule } = checkOf(yaml);
  await source.preflight(signal);
  const seen = await source.look(given, signal);
  const other =
    reference === undefined
      ? undefined
      : 'source' in reference
        ? await reference.source.look(given, signal)
        : await source.look({ from: given.from - reference.before, to: given.to - reference.before }, signal);
  rule.add(seen, other, given.to);
  return { seen, other, finding: rule.finding() };
}

const ofServices: readonly string[] = ['envoy', 'nginx', 'traefik'];
/** The settings that name a version. */
function named(kind: string, version: Version, prefix = ''): string {
  const [setting, value] = ofServices.includes(kind)
    ? ['service', version.workload]
    : ['workload', `deployment/${version.workload}`];
  return `${prefix}${setting}: ${value}`;
}

describe.each(metricsPresets)('requests by the metrics of %s', (kind) => {
  const check = (rest: string) => `metrics: ${kind}, ${named(kind, stableVersion)}, ${rest}`;
  const compared = (rest: string) =>
    `metrics: ${kind}, ${named(kind, canaryVersion)}, relative-to: stable, ${named(kind, stableVersion, 'stable-')}, ${rest}`;

  // Linkerd's proxies have no label of the path: each of the eight scrapes may be one of the requests.
  const doubtful = kind === 'linkerd' ? { doubtful: 8 } : {};
  const counted = (total: number, bad: number) => ({ kind: 'counts', total, bad, ...doubtful });

  beforeEach(() => {
    for (const version of [stableVersion, canaryVersion]) putPod(version);
  });

  it('counts the requests of one version and those that failed, and judges their rate', async () => {
    scrape(of(kind, stableVersion), { ok: 1_000, failed: 10 });
    scrape(of(kind, canaryVersion), { ok: 50, failed: 50 });
    const { seen, finding } = await look(check('limit: 2%'));
    expect(seen).toEqual(counted(8_080, 80));
    expect(finding).toMatchObject({
      state: 'healthy',
      sentence: expect.stringMatching(/^80 of 8,080 requests failed \(0.99 %\)/),
    });
    expect((await look(check('limit: 0.01%'))).finding.state).toBe('breach');
  });

  it('counts those that were slow, by the histogram', async () => {
    scrape(of(kind, stableVersion), { ok: 100, slow: 20 });
    const { seen, finding } = await look(check('slower-than: 300ms, limit: 1%'));
    expect(seen).toEqual(counted(800, 160));
    expect(finding).toMatchObject({
      state: 'breach',
      sentence: expect.stringMatching(/^160 of 800 requests were slow/),
    });
  });

  it('compares a version with the one that serves', async () => {
    scrape(of(kind, stableVersion), { ok: 500, failed: 5 });
    scrape(of(kind, canaryVersion), { ok: 50, failed: 25 });
    const { seen, other, finding } = await look(compared('tolerance: 1.5'));
    expect(seen).toEqual(counted(600, 200));
    expect(other).toEqual(counted(4_040, 40));
    expect(finding.state).toBe('breach');
  });

  it('compares with the same time a day before', async () => {
    scrape(of(kind, stableVersion), { ok: 500, failed: 5 }, now - DAY);
    scrape(of(kind, stableVersion), { ok: 500, failed: 4 });
    const { seen, other, finding } = await look(check('relative-to: before, before: 1d'));
    expect([seen, other]).toEqual([counted(4_032, 32), counted(4_040, 40)]);
    expect(finding.state).toBe('healthy');
  });

  it('knows nothing without series, of old ones, and without a histogram', async () => {
    await expect(look(check('limit: 1%'))).rejects.toThrow(/matches no series/);
    scrape(of(kind, stableVersion), { ok: 100 }, now - 280_000);
    expect((await look(check('limit: 1%'))).seen).toMatchObject({
      kind: 'missing',
      reason: 'its requests were last measured 280 s before',
    });
    await expect(look(check('slower-than: 200ms, limit: 1%'))).rejects.toThrow(/has no bucket bound at 200ms/);
  });
});

describe('requests that pods count themselves', () => {
  const check = 'metrics: http, workload: deployment/checkout, limit: 2%';
  const probed = { readinessProbe: { httpGet: { path: '/ready', port: 80 }, periodSeconds: 1 } };
  const counter = (labels: string) => (answered: Answered) =>
    `http_requests_total{namespace="shop",pod="${stableVersion.pod}",code="200"${labels}} ${answered.ok}
http_requests_total{namespace="shop",pod="${stableVersion.pod}",code="500"${labels}} ${answered.failed}`;

  it('are no probes where a label tells the path', async () => {
    putPod(stableVersion, probed);
    scrape(counter(',path="/ready"'), { ok: 15 });
    await expect(look(check)).rejects.toThrow('shows no request of a user');
    scrape(counter(',path="/cart"'), { ok: 100, failed: 1 });
    expect((await look(check)).seen).toEqual({ kind: 'counts', total: 808, bad: 8 });
  });

  it('may be probes where no label tells: they prove nothing good, and hide nothing bad', async () => {
    putPod(stableVersion, probed);
    // 15 of the requests between two scrapes are probes, and one is a scrape.
    scrape(counter(''), { ok: 20, failed: 0 });
    const quiet = await look(check);
    expect(quiet.seen).toEqual({ kind: 'counts', total: 160, bad: 0, doubtful: 128 });
    expect(quiet.finding).toMatchObject({
      state: 'unknown',
      lacks: 'traffic',
      sentence: expect.stringContaining('of which up to 128 may come from no user'),
    });
  });

  it('may be probes: a failing service is found all the same', async () => {
    putPod(stableVersion, probed);
    scrape(counter(''), { ok: 16, failed: 6 });
    const { seen, finding } = await look(check);
    expect(seen).toEqual({ kind: 'counts', total: 176, bad: 48, doubtful: 128 });
    expect(finding.state).toBe('breach');
  });

  it('of which nothing tells how they ended are not known', async () => {
    putPod(stableVersion);
    scrape(counter(''), { ok: 100 });
    scrape(({ ok }) => `http_requests_total{namespace="shop",pod="${stableVersion.pod}",code="odd"} ${ok}`, { ok: 1 });
    expect((await look(check)).seen).toMatchObject({
      kind: 'missing',
      reason: expect.stringMatching(/"code":"odd".*do not tell how requests ended/),
    });
  });

  it('need a workload that exists', async () => {
    await expect(look('metrics: http, workload: deployment/chekout, limit: 1%')).rejects.toThrow(
      /Deployment shop\/chekout.*does not exist/,
    );
  });
});
