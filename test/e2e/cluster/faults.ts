/** What may go wrong around a release, case by case: `faults.test.ts` takes one of each kind, `test/real/cluster` all. */
import { expect } from 'vitest';
import * as z from 'zod';
import { endpoints } from '../../../lab/cluster/layout.ts';
import { expectHeld, expectPromoted, expectRolledBack, lookAt } from './endings.ts';
import { type Garbler, startAnswerGarbler, startByteGarbler } from './garbler.ts';
import { inShop, meters, reachedAt, releaseOf, type Shop } from './shop.ts';
import type { Toxic, Toxiproxy } from './toxiproxy.ts';
import { keep, underLoad } from './traffic.ts';

const trafficTo = ({ hosts }: Shop) => ({ host: hosts.istio, rate: 50 });

/** Resolves when this weight has been written. */
const shiftedTo = (shop: Shop, weight: number) =>
  shop.until(`${weight} %`, async () => (await shop.weight()) === weight);

/** What a runner tells of another run than the usual one. */
const anotherRun = { GITHUB_RUN_ID: '2', GITHUB_ACTOR: 'bob' } as const;

/** A case with a fault between two programs. */
type Case = (toxiproxy: Toxiproxy) => Promise<void>;

/** Between runner and API server. */
export const apiFaults = {
  'the way is cut for good: an error says what to do, and the next run undoes what was left': cutForGood,
  'answers come late and in no order: a bad release is rolled back, a good one promoted': harmedApi(
    'answers come late and in no order',
    { type: 'latency', latency: 150, jitter: 140 },
  ),
  'answers come in slices: a bad release is rolled back, a good one promoted': harmedApi('answers come in slices', {
    type: 'slicer',
    average_size: 400,
    size_variation: 200,
    delay: 2_000,
  }),
  'connections are reset: a bad release is rolled back, a good one promoted': harmedApi(
    'connections are reset',
    { type: 'reset_peer', timeout: 700 },
    0.7,
  ),
  'connections end in the middle of an answer: a bad release is rolled back, a good one promoted': harmedApi(
    'connections end in the middle of an answer',
    { type: 'limit_data', bytes: 60_000 },
  ),
  'bytes are changed: a bad release is rolled back, a good one promoted': () =>
    garbledApi('bytes are changed', startByteGarbler, 'https', 30_000),
  'answers are a page of a proxy, or half of what they were: a bad release is rolled back, a good one promoted': () =>
    garbledApi('answers are a page of a proxy, or half of what they were', startAnswerGarbler, 'http', 3),
  'the way is cut for a while: the release goes on': (toxiproxy) => awayForAWhile(toxiproxy, 'cut'),
  'the way is silent for a while: the release goes on': (toxiproxy) => awayForAWhile(toxiproxy, 'silent'),
} as const satisfies Readonly<Record<string, Case>>;

function harmedApi(name: string, toxic: Toxic, fraction = 1): Case {
  return (toxiproxy) =>
    inShop({}, async (shop) => {
      const proxy = await toxiproxy.proxyTo(endpoints.apiserver);
      const kubeconfig = reachedAt(shop.kubeconfig, `https://${proxy.host}`);
      await expectBothEndings(shop, kubeconfig, name, () => proxy.harm(toxic, fraction));
    });
}

type StartGarbler = (upstream: string, every: number) => Promise<Garbler>;

function garbledApi(name: string, start: StartGarbler, scheme: string, every: number): Promise<void> {
  return inShop({}, async (shop) => {
    const garbler = await start(endpoints.apiserver, every);
    try {
      const kubeconfig = reachedAt(shop.kubeconfig, `${scheme}://${garbler.host}`);
      await expectBothEndings(shop, kubeconfig, name, async () => {
        garbler.garbles = true;
      });
      expect(garbler.garbled).toBeGreaterThan(10);
    } finally {
      garbler.close();
    }
  });
}

function awayForAWhile(toxiproxy: Toxiproxy, how: 'cut' | 'silent'): Promise<void> {
  return inShop({}, async (shop) => {
    const proxy = await toxiproxy.proxyTo(endpoints.apiserver);
    const kubeconfig = reachedAt(shop.kubeconfig, `https://${proxy.host}`);
    const found = await lookAt(shop);
    const release = { ...(await releaseOf('v2')), kubeconfig };
    const seen = await underLoad(
      trafficTo(shop),
      () => shop.start(release),
      async (run) => {
        await shiftedTo(shop, 10);
        await (how === 'cut' ? proxy.cut() : proxy.harm({ type: 'timeout', timeout: 0 }));
        await shop.until('a word of it', async () => run.printed().includes('No new data'));
        await (how === 'cut' ? proxy.join() : proxy.heal());
        return undefined;
      },
    );
    await expectPromoted(shop, found, seen, `api-${how}`);
  });
}

function cutForGood(toxiproxy: Toxiproxy): Promise<void> {
  return inShop({}, async (shop) => {
    const proxy = await toxiproxy.proxyTo(endpoints.apiserver);
    const kubeconfig = reachedAt(shop.kubeconfig, `https://${proxy.host}`);
    const found = await lookAt(shop);
    const prometheus = prometheusAt(new URL(endpoints.prometheus).host);
    const release = { ...(await releaseOf('v2')), ...prometheus, steps: '10 for 3s, 100' };
    const cut = await underLoad(
      trafficTo(shop),
      async () => {
        await shop.scraped();
        return shop.start({ ...release, kubeconfig, timeout: '40s', 'undo-timeout': '4s' });
      },
      async () => {
        await shiftedTo(shop, 10);
        await proxy.cut();
        return undefined;
      },
    );
    expect(await keep('api-cut-for-good', cut), cut.ended.log).toMatchObject({ lost: 0 });
    expect(cut.ended.outputs.verdict ?? '').toBe('');
    expect(cut.ended.status).toBe(1);
    expect(cut.ended.log).toContain('could not be restored within 4 s');
    expect(cut.ended.log).toContain('run the workflow again: the record in the cluster says what was found');
    expect((await shop.record())?.phase).not.toBe('ended');
    const next = await underLoad(trafficTo(shop), () =>
      shop.start({ ...release, 'on-interrupted': 'undo' }, anotherRun),
    );
    await expectPromoted(shop, found, next, 'api-cut-for-good-next');
  });
}

/** A release that turns bad is rolled back and one that does not is promoted, both while the way to the cluster is harmed. */
async function expectBothEndings(shop: Shop, kubeconfig: string, name: string, harm: () => Promise<void>) {
  const release = { ...(await releaseOf('v2')), kubeconfig };
  const found = await lookAt(shop);
  const bad = await underLoad(
    trafficTo(shop),
    () => shop.start(release),
    async () => {
      await harm();
      await shiftedTo(shop, 50);
      await shop.fails('app=checkout-canary', 0.3);
      return undefined;
    },
  );
  await expectRolledBack(shop, found, bad, `${name} bad`);
  const good = await underLoad(trafficTo(shop), () => shop.start(release));
  await expectPromoted(shop, found, good, `${name} good`);
}

const cutShort: Harm = ['answers end in the middle', { type: 'limit_data', bytes: 300 }];
const silent: Harm = ['answers do not come', { type: 'timeout', timeout: 0 }];

/** Between runner and Prometheus. */
export const prometheusFaults = {
  'answers come late and in no order: the release goes on': harmedPrometheus('answers come late and in no order', {
    type: 'latency',
    latency: 1_000,
    jitter: 900,
  }),
  'answers come slowly: the release goes on': harmedPrometheus('answers come slowly', { type: 'bandwidth', rate: 4 }),
  'connections are reset: the release goes on': harmedPrometheus(
    'connections are reset',
    { type: 'reset_peer', timeout: 100 },
    0.5,
  ),
  'answers end in the middle for good: the release is rolled back, as configured': (toxiproxy) =>
    withoutAnswers(toxiproxy, cutShort, 'rollback'),
  'answers end in the middle for good: the release is held, as configured': (toxiproxy) =>
    withoutAnswers(toxiproxy, cutShort, 'hold'),
  'answers do not come for good: the release is rolled back, as configured': (toxiproxy) =>
    withoutAnswers(toxiproxy, silent, 'rollback'),
  'answers do not come for good: the release is held, as configured': (toxiproxy) =>
    withoutAnswers(toxiproxy, silent, 'hold'),
  'answers are a page of a proxy, or half of what they were, at times: the release goes on': garbledPrometheus,
} as const satisfies Readonly<Record<string, Case>>;

function harmedPrometheus(name: string, toxic: Toxic, fraction = 1): Case {
  return (toxiproxy) =>
    inShop({}, async (shop) => {
      const proxy = await toxiproxy.proxyTo(endpoints.prometheus);
      const found = await lookAt(shop);
      const release = { ...(await releaseOf('v2')), ...prometheusAt(proxy.host) };
      const seen = await underLoad(trafficTo(shop), async () => {
        await shop.scraped();
        await proxy.harm(toxic, fraction);
        return shop.start(release);
      });
      await expectPromoted(shop, found, seen, `prometheus ${name}`);
    });
}

type Harm = readonly [name: string, toxic: Toxic];

function withoutAnswers(toxiproxy: Toxiproxy, [name, toxic]: Harm, ending: 'rollback' | 'hold'): Promise<void> {
  return inShop({}, async (shop) => {
    const proxy = await toxiproxy.proxyTo(endpoints.prometheus);
    const found = await lookAt(shop);
    const release = { ...(await releaseOf('v2')), ...prometheusAt(proxy.host), 'on-no-data': ending };
    const seen = await underLoad(
      trafficTo(shop),
      async () => {
        await shop.scraped();
        return shop.start({ ...release, 'no-data-patience': '15s' });
      },
      async () => {
        await shiftedTo(shop, 10);
        await proxy.harm(toxic);
        return undefined;
      },
    );
    expect(seen.ended.outputs.reason).toContain('not yet known');
    if (ending === 'rollback') await expectRolledBack(shop, found, seen, `${name} rolled-back`);
    else await expectHeld(shop, seen, { name: `${name} held`, weight: 10 });
  });
}

function garbledPrometheus(): Promise<void> {
  return inShop({}, async (shop) => {
    const garbler = await startAnswerGarbler(endpoints.prometheus, 3);
    try {
      const found = await lookAt(shop);
      const release = { ...(await releaseOf('v2')), ...prometheusAt(garbler.host) };
      const seen = await underLoad(
        trafficTo(shop),
        async () => {
          await shop.scraped();
          return shop.start(release);
        },
        async () => {
          await shiftedTo(shop, 10);
          garbler.garbles = true;
          return undefined;
        },
      );
      expect(garbler.garbled).toBeGreaterThan(2);
      await expectPromoted(shop, found, seen, 'prometheus garbled');
    } finally {
      garbler.close();
    }
  });
}

/** Inputs of a release that reads Prometheus at an address. */
function prometheusAt(host: string) {
  return { ...meters.prometheus, meter: 'prometheus', prometheus: `http://${host}` };
}

/** While a release is under way. */
export const changesUnderWay = {
  'an autoscaler gives the stable version more pods: they stay, and so do its limits': () =>
    inShop({}, async (shop) => {
      const limits = await scaledBy(shop, { minReplicas: 2, maxReplicas: 6 });
      const found = await lookAt(shop);
      const release = { ...(await releaseOf('v2')), steps: '10 for 3s, 50 for 30s, 100' };
      const seen = await underLoad(
        trafficTo(shop),
        () => shop.start(release),
        async () => {
          await shiftedTo(shop, 10);
          await limits.set({ minReplicas: 4 });
          await shop.until('four stable pods', async () => (await shop.pods('app=checkout')).length === 4);
          return undefined;
        },
      );
      expect(await keep('autoscaler', seen), seen.ended.log).toMatchObject({
        verdict: 'promoted',
        lost: 0,
        after: ['v2'],
      });
      await shop.settled();
      expect(await shop.pods()).toHaveLength(4);
      expect(await limits.now()).toEqual({ minReplicas: 4, maxReplicas: 6 });
      expect(Object.keys(await shop.inventory())).toEqual(Object.keys(found.inventory));
      expect(await shop.record()).toEqual({ phase: 'ended', verdict: 'promoted' });
    }),
  'an autoscaler whose minimum is below what serves gets it back after a rollback': () =>
    inShop({}, async (shop) => {
      await scaledBy(shop, { minReplicas: 1, maxReplicas: 6 });
      const found = await lookAt(shop);
      const release = await releaseOf('v2');
      const seen = await underLoad(
        trafficTo(shop),
        () => shop.start(release),
        async () => {
          await shiftedTo(shop, 50);
          await shop.fails('app=checkout-canary', 0.3);
          return undefined;
        },
      );
      await expectRolledBack(shop, found, seen, 'autoscaler rolled back');
    }),
  'one of its pods is not ready for a moment while another one serves: it goes on': () =>
    inShop({}, async (shop) => {
      const found = await lookAt(shop);
      const release = { ...(await releaseOf('v2')), 'canary-min-replicas': '2', steps: '50 for 10s, 100' };
      const seen = await underLoad(
        trafficTo(shop),
        () => shop.start(release),
        async () => {
          await shiftedTo(shop, 50);
          const [pod] = await canaryPods(shop);
          await shop.readies(pod, false);
          await shop.readies(pod, true);
          return undefined;
        },
      );
      await expectPromoted(shop, found, seen, 'one pod unready for a moment');
    }),
  'one of its pods stays not ready: it is rolled back': () => withUnreadyPods('one of its pods stays not ready', 1),
  'none of its pods is ready any more: it is rolled back': () =>
    withUnreadyPods('none of its pods is ready any more', 2),
  'somebody changes the weights: it is frozen, and undone once they are set back': () =>
    inShop({}, async (shop) => {
      const found = await lookAt(shop);
      const release = await releaseOf('v2');
      const seen = await underLoad(
        trafficTo(shop),
        () => shop.start(release),
        async () => {
          await shiftedTo(shop, 10);
          await setWeights(shop, 70, 30);
          return undefined;
        },
      );
      const kept = await keep('weights changed', seen);
      expect(kept, seen.ended.log).toMatchObject({ verdict: 'frozen', lost: 0 });
      expect(kept.reason).toContain('VirtualService');
      expect(kept.reason).toContain('was changed by');
      expect(kept.reason).toContain('Decide which weights are right and set them');
      expect(seen.ended.status).toBe(1);
      expect(await shop.weight()).toBe(30);
      expect(await shop.record()).toEqual({ phase: 'paused', verdict: 'frozen' });

      await setWeights(shop, 90, 10);
      const undone = await underLoad(trafficTo(shop), () =>
        shop.start({ ...release, 'on-interrupted': 'undo' }, anotherRun),
      );
      await expectPromoted(shop, found, undone, 'weights changed, then set back');
    }),
  'somebody changes the weights of a bad one: what is theirs stays': () =>
    inShop({}, async (shop) => {
      const release = await releaseOf('v2');
      const seen = await underLoad(
        trafficTo(shop),
        () => shop.start({ ...release, steps: '10 for 3s, 50 for 1m, 100' }),
        async (run) => {
          await shiftedTo(shop, 50);
          await shop.until('the step', async () => run.printed().includes('follows at 50 %'));
          await setWeights(shop, 80, 20);
          await shop.fails('app=checkout-canary', 0.3);
          return undefined;
        },
      );
      const kept = await keep('weights changed of a bad one', seen);
      expect(kept, seen.ended.log).toMatchObject({ verdict: 'frozen', lost: 0 });
      expect(kept.reason).toContain('Decide which weights are right and set them');
      expect(await shop.weight()).toBe(20);
      expect(await shop.record()).toEqual({ phase: 'paused', verdict: 'frozen' });
    }),
  'somebody changes something else of the route: it is promoted, and the change stays': () => routeEdited('promoted'),
  'somebody changes something else of the route: it is rolled back, and the change stays': () =>
    routeEdited('rolled-back'),
  'another one begins: it is told who is at work, and changes nothing': () =>
    inShop({}, async (shop) => {
      const found = await lookAt(shop);
      const release = await releaseOf('v2');
      const seen = await underLoad(
        trafficTo(shop),
        () => shop.start({ ...release, steps: '10 for 20s, 100' }),
        async () => {
          await shiftedTo(shop, 10);
          const second = await shop.start({ ...release, steps: '50 for 3s, 100' }, anotherRun);
          try {
            const { status, outputs, log } = await second.ended;
            expect(status).toBe(1);
            expect(outputs.verdict ?? '').toBe('');
            expect(log).toContain('another run holds it');
            expect(log).toContain('alice, https://github.com/acme/shop/actions/runs/1');
            expect(log).toContain('Wait until it has ended, or abort it');
          } finally {
            await second.clean();
          }
          return undefined;
        },
      );
      await expectPromoted(shop, found, seen, 'two, one after the other');
    }),
  'two begin at the same moment: one is promoted, the other one told so': () =>
    inShop({}, async (shop) => {
      const found = await lookAt(shop);
      const release = await releaseOf('v2');
      const seen = await underLoad(
        trafficTo(shop),
        () => shop.start(release),
        async (first) => {
          const second = await shop.start(release, anotherRun);
          const [one, other] = await Promise.all([first.ended, second.ended]);
          await second.clean();
          const [winner, loser] = one.status === 0 ? [first, other] : [second, one];
          expect(loser.status).toBe(1);
          expect(loser.outputs.verdict ?? '').toBe('');
          expect(loser.log).toContain('another run holds it');
          return winner;
        },
      );
      await expectPromoted(shop, found, seen, 'two at once');
    }),
} as const satisfies Readonly<Record<string, () => Promise<void>>>;

function withUnreadyPods(name: string, unready: 1 | 2): Promise<void> {
  return inShop({}, async (shop) => {
    const release = { ...(await releaseOf('v2')), 'canary-min-replicas': '2', steps: '50 for 1m, 100' };
    const seen = await underLoad(
      trafficTo(shop),
      () => shop.start(release),
      async () => {
        await shiftedTo(shop, 50);
        const pods = await canaryPods(shop);
        await Promise.all(pods.slice(0, unready).map((pod) => shop.readies(pod, false)));
        return undefined;
      },
    );
    const kept = await keep(name, seen);
    expect(kept, seen.ended.log).toMatchObject({ verdict: 'rolled-back', after: ['v1'] });
    expect(kept.reason).toContain('Unready (was ready and is not any more');
    expect(await shop.weight()).toBe(0);
    expect(await shop.record()).toEqual({ phase: 'ended', verdict: 'rolled-back' });
  });
}

function routeEdited(verdict: 'promoted' | 'rolled-back'): Promise<void> {
  return inShop({}, async (shop) => {
    const release = await releaseOf('v2');
    const seen = await underLoad(
      trafficTo(shop),
      () => shop.start(release),
      async () => {
        await shiftedTo(shop, 50);
        await edit(shop, [
          { op: 'add', path: '/metadata/annotations', value: { team: 'checkout' } },
          { op: 'add', path: '/spec/http/0/timeout', value: '7s' },
          { op: 'add', path: '/spec/http/0', value: robots },
        ]);
        if (verdict === 'rolled-back') await shop.fails('app=checkout-canary', 0.3);
        return undefined;
      },
    );
    const after = verdict === 'promoted' ? ['v2'] : ['v1'];
    expect(await keep(`route edited ${verdict}`, seen), seen.ended.log).toMatchObject({ verdict, lost: 0, after });
    const { metadata, spec } = route.parse(await shop.api.get(shop.path.virtualService));
    expect(metadata.annotations).toEqual({ team: 'checkout' });
    expect(spec.http).toEqual([
      robots,
      { name: 'primary', timeout: '7s', route: [{ destination: { host: 'checkout' } }] },
    ]);
    expect(await shop.record()).toEqual({ phase: 'ended', verdict });
  });
}

/** A rule that somebody puts before the others. */
const robots = {
  name: 'robots',
  match: [{ uri: { exact: '/robots.txt' } }],
  directResponse: { status: 404 },
} as const;

const route = z.object({
  metadata: z.object({ annotations: z.record(z.string(), z.string()).optional() }),
  spec: z.object({ http: z.array(z.unknown()) }),
});

/** The names of the canary's pods: two, as the tests ask for. */
async function canaryPods(shop: Shop): Promise<[string, string]> {
  const pods = await shop.pods('app=checkout-canary');
  return z.tuple([z.string(), z.string()]).parse(pods.map(({ metadata }) => metadata.name));
}

/** Puts weights into the route as a person would. */
function setWeights(shop: Shop, stable: number, canary: number) {
  return edit(
    shop,
    [stable, canary].map((value, index) => ({ op: 'replace', path: `/spec/http/0/route/${index}/weight`, value })),
  );
}

function edit({ api, path }: Shop, operations: readonly { op: string; path: string; value: unknown }[]) {
  return api.patch(path.virtualService, operations);
}

const limitsOf = z.object({ spec: z.object({ minReplicas: z.number(), maxReplicas: z.number() }) });

/** An autoscaler for the stable workload. Without metrics, as here, the controller keeps the limits and no more. */
async function scaledBy({ api, namespace }: Shop, limits: { minReplicas: number; maxReplicas: number }) {
  const path = `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers/checkout`;
  await api.apply({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'checkout', namespace },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' },
      ...limits,
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
      ],
    },
  });
  return {
    set: (spec: Partial<typeof limits>) => api.merge(path, { spec }),
    now: async () => limitsOf.parse(await api.get(path)).spec,
  };
}
