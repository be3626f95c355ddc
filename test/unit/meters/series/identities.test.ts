import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTally } from '../../../../src/judge/counters.ts';
import type { Reading } from '../../../../src/judge/readings.ts';
import { countersOf, createClassifier, newestOf, type Sample } from '../../../../src/meters/counting/classify.ts';
import { parseExposition } from '../../../../src/meters/pods/exposition.ts';
import { type DefaultQueries, defaultQueries } from '../../../../src/meters/queries/default-queries.ts';
import type { Rule } from '../../../../src/meters/queries/rules.ts';
import { equal, type Labels, like } from '../../../../src/meters/series/selector.ts';

const http: Rule[] = [
  { arm: 'canary', kind: 'requests', selector: [equal('__name__', 'http_requests_total')], perSecond: 1 },
  {
    arm: 'canary',
    kind: 'errors',
    selector: [equal('__name__', 'http_requests_total'), like('status', '5..')],
    perSecond: 1,
  },
];

/** Series as the text format writes them, all measured at one moment. */
function series(text: string, at = 1_000): Sample[] {
  return parseExposition(text, () => true).map(({ labels, value }) => ({ labels, value, at }));
}

function totals(samples: readonly Sample[], ups: readonly Labels[] = [], rules: readonly Rule[] = http) {
  const found = createClassifier(rules)(samples, ups).map(({ counter }) => counter);
  const sum = (kind: string) =>
    found.filter((counter) => counter.kind === kind).reduce((total, { value }) => total + value, 0);
  return { requests: sum('requests'), errors: sum('errors') };
}

describe("an application's own labels", () => {
  const text = `
http_requests_total{method="GET",endpoint="/cart",status="200"} 100
http_requests_total{method="GET",endpoint="/pay",status="200"} 60
http_requests_total{method="GET",endpoint="/pay",status="500"} 40
`;

  it('that have the name of a label of targets tell series apart', () => {
    const read = series(text).map((sample) => ({ ...sample, instance: 'checkout-1' }));
    expect(totals(read)).toEqual({ requests: 200, errors: 40 });
    const scraped = series(text.replaceAll('{', '{job="shop",instance="10.0.0.7:8080",pod="checkout-1",'));
    expect(totals(scraped)).toEqual({ requests: 200, errors: 40 });
  });

  it.each(['service', 'container', 'job', 'instance', 'replica', 'pod', 'namespace', 'prometheus'])(
    'may be called %s',
    (label) => {
      const read = series(text.replaceAll('endpoint', label)).map((sample) => ({ ...sample, instance: 'checkout-1' }));
      expect(totals(read)).toEqual({ requests: 200, errors: 40 });
      const scraped = series(text.replaceAll('endpoint', label));
      expect(totals(scraped)).toEqual({ requests: 200, errors: 40 });
    },
  );

  it('that a scrape renamed for its own tell series apart', () => {
    const scraped = text
      .replaceAll('endpoint', 'exported_endpoint')
      .replaceAll('{', '{job="shop",instance="10.0.0.7:8080",endpoint="http",pod="checkout-1",');
    expect(totals(series(scraped))).toEqual({ requests: 200, errors: 40 });
  });

  it('are kept where a scrape honors them', () => {
    const up = { __name__: 'up', job: 'shop', instance: '10.0.0.7:8080', pod: 'checkout-1', endpoint: 'http' };
    const twice = ['shop', 'again'].map((job) =>
      text.replaceAll('{', `{job="${job}",instance="10.0.0.7:8080",pod="checkout-1",`),
    );
    expect(totals(series(twice.join('')), [up, { ...up, job: 'again', endpoint: 'metrics' }])).toEqual({
      requests: 200,
      errors: 40,
    });
  });
});

describe('a process that is scraped twice is counted once', () => {
  const requests = (labels: string, value = 100) => `http_requests_total{code="200",${labels}} ${value}\n`;
  const pod = 'namespace="shop",pod="checkout-7c9d5b6f48-x7k2p"';

  it.each([
    [
      'by two jobs, of which one maps the labels of pods',
      requests(`${pod},job="checkout",service="checkout",endpoint="http",container="app",instance="10.0.0.7:8080"`) +
        requests(
          `${pod},job="kubernetes-pods",instance="10.0.0.7:8080",app="checkout",version="v1",pod_template_hash="7c9d5b6f48",node="n1"`,
        ),
    ],
    [
      'by two monitors, of which one adds labels of pods',
      requests(`${pod},job="shop/a",endpoint="http",container="app",instance="10.0.0.7:8080"`) +
        requests(
          `${pod},job="shop/b",endpoint="http",container="app",instance="10.0.0.7:8080",app="checkout",team="shop"`,
        ),
    ],
    [
      'by two agents that write remotely',
      requests(`${pod},job="a",instance="10.0.0.7:8080",cluster="eu",__replica__="a"`) +
        requests(`${pod},job="a",instance="10.0.0.7:8080",cluster="eu",__replica__="b"`),
    ],
    [
      'behind its Service and behind a headless one',
      requests(`${pod},job="checkout",service="checkout",instance="10.0.0.7:8080"`) +
        requests(`${pod},job="checkout-headless",service="checkout-headless",instance="10.0.0.7:8080"`),
    ],
    [
      'by a job that does not know the pod',
      requests(`${pod},job="checkout",instance="10.0.0.7:8080"`) +
        requests('job="kubernetes-service-endpoints",instance="10.0.0.7:8080",kubernetes_namespace="shop",team="shop"'),
    ],
    [
      'where a receiver adds a label of its own',
      requests(`${pod},job="checkout",instance="10.0.0.7:8080",receive_replica="0"`) +
        requests(`${pod},job="checkout",instance="10.0.0.7:8080",receive_replica="1"`),
    ],
  ])('%s', (_, text) => {
    expect(totals(series(text))).toEqual({ requests: 100, errors: 0 });
  });

  it('at the ports of the mesh and of its proxy', () => {
    const names = { namespace: 'shop', stable: { workload: 'checkout' }, canary: { workload: 'checkout-canary' } };
    const istio: DefaultQueries = { kind: 'istio', reporter: 'source', by: 'workload' };
    const [rules = []] = defaultQueries(istio, names, 'prometheus');
    const common =
      'reporter="source",destination_workload="checkout-canary",destination_workload_namespace="shop",response_code="200"';
    const text = `
istio_requests_total{${common},job="kubernetes-pods",instance="10.0.0.9:15020",pod="gw-1",app="istio-ingressgateway"} 100
istio_requests_total{${common},job="istio-system/envoy-stats-monitor",instance="10.0.0.9:15090",container="istio-proxy",endpoint="http-envoy-prom",pod="gw-1",pod_name="gw-1"} 100
`;
    expect(totals(series(text), [], rules).requests).toBe(100);
  });

  it('whatever external label replicas have, as up has it too', () => {
    const text =
      requests(`${pod},job="a",instance="10.0.0.7:8080",monitor="one",shard="3"`) +
      requests(`${pod},job="a",instance="10.0.0.7:8080",monitor="two",shard="3"`, 101);
    const ups = series(text).map(({ labels: { code: _, ...labels } }) => ({ ...labels, __name__: 'up' }));
    expect(totals(series(text), ups)).toEqual({ requests: 100, errors: 0 });
  });

  it('by a federating server, which keeps or renames the labels', () => {
    const direct = `${pod},job="checkout",instance="10.0.0.7:8080"`;
    const renamed = `${pod},job="federate",instance="10.9.9.9:9090",exported_job="checkout",exported_instance="10.0.0.7:8080"`;
    const ups: Labels[] = [
      {
        __name__: 'up',
        namespace: 'shop',
        pod: 'checkout-7c9d5b6f48-x7k2p',
        job: 'checkout',
        instance: '10.0.0.7:8080',
      },
      { __name__: 'up', job: 'federate', instance: '10.9.9.9:9090' },
    ];
    expect(totals(series(requests(direct) + requests(renamed)), ups)).toEqual({ requests: 100, errors: 0 });
  });
});

describe('two processes of one pod', () => {
  const both = 'namespace="shop",pod="checkout-1",status="200"';
  const app = `http_requests_total{${both},job="pods",instance="10.0.0.7:8080",container="app"}`;
  const admin = `http_requests_total{${both},job="pods",instance="10.0.0.7:9090",container="admin"}`;

  it('are both counted, although their series have the same labels', () => {
    expect(totals(series(`${app} 100\n${admin} 40\n`))).toEqual({ requests: 140, errors: 0 });
  });

  it('are told by how they grow, and what the second had counted before that was seen is not new', () => {
    const classify = createClassifier(http);
    const tally = createTally();
    const look = (moment: number, ...values: readonly [number, number][]) => {
      const samples = [app, admin].map((name, index): Sample => {
        const history = values.map((value, scrape) => ({
          at: moment + scrape * 10 + index * 5,
          value: value[index] ?? 0,
        }));
        const last = history.at(-1) ?? { at: moment, value: 0 };
        return { labels: parseExposition(`${name} 0`, () => true)[0]?.labels ?? {}, ...last, history };
      });
      const found = classify(samples);
      return tally.take({ at: newestOf(found), stable: [], canary: countersOf('canary', found) }).sample.canary;
    };
    look(0, [500, 500], [500, 500], [500, 500]);
    look(10, [500, 500], [500, 500], [520, 500]);
    look(20, [500, 500], [520, 500], [540, 500]);
    look(30, [520, 500], [540, 500], [560, 501]);
    expect(look(40, [540, 500], [560, 501], [580, 511]).requests).toBe(91);
  });
});

describe('a counter goes on without a jump', () => {
  const labels = 'namespace="shop",pod="checkout-1",status="200"';
  const one = `http_requests_total{${labels},job="pods",instance="10.0.0.7:8080",version="v1"}`;
  const two = `http_requests_total{${labels},job="services",instance="10.0.0.7:8080",service="checkout"}`;

  /** What was counted over looks that show the last four scrapes, each 10 s after the one before. */
  function counted(scrapes: readonly { readonly [name: string]: number | undefined }[]): number {
    const classify = createClassifier(http);
    const tally = createTally();
    let requests = 0;
    for (const last of scrapes.keys()) {
      const window = [...scrapes.entries()].slice(Math.max(0, last - 3), last + 1);
      const samples = [one, two].flatMap((name, offset): Sample[] => {
        const history = window.flatMap(([index, { [name]: value }]) =>
          value === undefined ? [] : [{ at: index * 10_000 + offset * 1_000, value }],
        );
        const newest = history.at(-1);
        return newest
          ? [{ labels: parseExposition(`${name} 0`, () => true)[0]?.labels ?? {}, ...newest, history }]
          : [];
      });
      const found = classify(samples);
      const reading: Reading = { at: newestOf(found), stable: [], canary: countersOf('canary', found) };
      requests = tally.take(reading).sample.canary.requests;
    }
    return requests;
  }

  it('when the job that it was taken from stops', () => {
    const values = Array.from({ length: 14 }, (_, index) => 5_000 + index * 10);
    expect(counted(values.map((value, index) => (index < 5 ? { [one]: value, [two]: value } : { [two]: value })))).toBe(
      130,
    );
  });

  it('when a second job begins, or begins and the first one stops', () => {
    const values = Array.from({ length: 20 }, (_, index) => 5_000 + index * 10);
    expect(counted(values.map((value, index) => (index < 5 ? { [two]: value } : { [one]: value, [two]: value })))).toBe(
      190,
    );
    const turns = values.map((value, index) => ({
      ...(index < 12 && { [two]: value }),
      ...(index > 6 && { [one]: value }),
    }));
    expect(counted(turns)).toBe(190);
  });
});

describe('whatever labels an application has, and however it is scraped', () => {
  const names = ['method', 'endpoint', 'service', 'container', 'job', 'instance', 'pod', 'replica', 'namespace', 'app'];
  const application = (allowed: readonly string[]) =>
    fc.uniqueArray(fc.constantFrom(...allowed), { minLength: 1, maxLength: 4 }).chain((chosen) =>
      fc
        .uniqueArray(fc.tuple(...chosen.map(() => fc.constantFrom('a', 'b', 'c'))), {
          minLength: 1,
          maxLength: 5,
          selector: (values) => values.join(),
        })
        .map((all) =>
          all.map((values) => Object.fromEntries(chosen.map((name, index) => [name, values[index] ?? '']))),
        ),
    );
  const jobs = fc.array(
    fc.dictionary(
      fc.constantFrom('endpoint', 'service', 'container', 'version', 'team', 'app', 'node'),
      fc.constantFrom('a', 'x', 'y'),
      { maxKeys: 4 },
    ),
    { minLength: 1, maxLength: 3 },
  );
  const operator = [{ prometheus_replica: 'p-0' }, { prometheus_replica: 'p-1' }];
  const agents = [
    { cluster: 'eu', agent: 'a' },
    { cluster: 'eu', agent: 'b' },
  ];

  interface World {
    readonly series: readonly Labels[];
    readonly jobs: readonly Labels[];
    readonly replicas: readonly Labels[];
    readonly pods: number;
    readonly growth: readonly number[];
    readonly honors: boolean;
  }
  const world = (allowed: readonly string[], replicas: readonly (readonly Labels[])[], honors: boolean) =>
    fc.record<World>({
      series: application(allowed),
      jobs,
      replicas: fc.constantFrom(...replicas),
      pods: fc.integer({ min: 1, max: 3 }),
      growth: fc.array(fc.nat(4), { minLength: 5, maxLength: 40 }),
      honors: fc.constant(honors),
    });

  /** Each run is a whole rollout. */
  const runs = { numRuns: 40 };
  /** Seconds before the first request and after the last one, between two scrapes, and that a look goes back. */
  const [STILL, INTERVAL, RANGE] = [20, 5, 20];

  /** What was counted, and what the processes counted themselves. */
  function count({ series: all, jobs: scraping, replicas, pods, growth, honors }: World, knowsUp: boolean) {
    const classify = createClassifier(http);
    const tally = createTally();
    const counters = Array.from({ length: pods }, (_, pod) =>
      all.map((labels, index) => {
        const seed = pod * 31 + index * 7;
        const steps = growth.map((_step, second) => growth[(second + seed) % growth.length] ?? 0);
        const at = (second: number) =>
          steps.slice(0, Math.max(0, second - STILL)).reduce((sum, step) => sum + step, 100 + seed * 300);
        return { pod, labels, at, gained: steps.reduce((sum, step) => sum + step, 0) };
      }),
    ).flat();
    const targets = Array.from({ length: pods }, (_, pod) =>
      scraping.flatMap((job, number) =>
        replicas.map((replica, which) => ({
          pod,
          offset: (pod + number * 2 + which) % INTERVAL,
          labels: {
            ...job,
            job: `job-${number}`,
            instance: `10.0.0.${pod}:80`,
            namespace: 'shop',
            pod: `p-${pod}`,
            ...replica,
          },
        })),
      ),
    ).flat();
    const ups = targets.map(({ labels }) => ({ __name__: 'up', ...labels }));
    let counted = 0;
    for (let now = STILL; now < STILL * 3 + growth.length; now += 3) {
      const samples = targets.flatMap((target) =>
        counters
          .filter(({ pod }) => pod === target.pod)
          .flatMap(({ labels, at }): Sample[] => {
            const seconds = Array.from({ length: RANGE }, (_, back) => now - RANGE + 1 + back);
            const history = seconds
              .filter((second) => second % INTERVAL === target.offset)
              .map((second) => ({ at: second * 1_000, value: at(second) }));
            const newest = history.at(-1);
            const shown = { __name__: 'http_requests_total', ...scrape(labels, target.labels, honors) };
            return newest ? [{ labels: shown, ...newest, history }] : [];
          }),
      );
      const found = classify(samples, knowsUp ? ups : []);
      counted = tally.take({ at: newestOf(found), stable: [], canary: countersOf('canary', found) }).sample.canary
        .requests;
    }
    return { counted, real: counters.reduce((sum, { gained }) => sum + gained, 0) };
  }

  /** What Prometheus makes of the labels that an application and a target have. */
  function scrape(own: Labels, target: Labels, honors: boolean): Labels {
    if (honors) return { ...target, ...own };
    return {
      ...Object.fromEntries(
        Object.entries(own).map(([name, value]) => [name in target ? `exported_${name}` : name, value]),
      ),
      ...target,
    };
  }

  const holds = (one: World, knowsUp: boolean) => {
    const { counted, real } = count(one, knowsUp);
    expect(counted).toBe(real);
  };

  it('its totals are counted, where up tells of the targets', () => {
    fc.assert(
      fc.property(world(names, [[{}], operator, agents], false), (one) => holds(one, true)),
      runs,
    );
  });

  it('its totals are counted, where its labels are honored', () => {
    const others = names.filter((name) => name !== 'job' && name !== 'instance');
    fc.assert(
      fc.property(world(others, [[{}], operator, agents], true), (one) => holds(one, true)),
      runs,
    );
  });

  it('its totals are counted, where nothing tells of the targets', () => {
    fc.assert(
      fc.property(world(names, [[{}], operator], false), (one) => holds(one, false)),
      runs,
    );
  });

  it('its totals are counted, where its pods are asked', () => {
    fc.assert(
      fc.property(application(names), fc.nat(50), fc.integer({ min: 1, max: 3 }), (all, gained, pods) => {
        const classify = createClassifier(http);
        const tally = createTally();
        const taken = [0, gained].map((more, look) => {
          const samples = Array.from({ length: pods }, (_, pod) =>
            all.map((labels, index): Sample => {
              const named = { __name__: 'http_requests_total', ...labels };
              return { labels: named, value: 100 * (index + pod) + more, at: look + 1, instance: `checkout-${pod}` };
            }),
          ).flat();
          return tally.take({ at: look + 1, stable: [], canary: countersOf('canary', classify(samples)) }).sample
            .canary;
        });
        expect(taken.at(-1)?.requests).toBe(all.length * pods * gained);
      }),
    );
  });
});
