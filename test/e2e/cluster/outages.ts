/**
 * What is taken away from the whole cluster during releases: `outages.test.ts` takes the API server and istiod away, and
 * `test/real/cluster` all.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import * as z from 'zod';
import { type ComponentName, startComponents } from '../../../lab/cluster/components.ts';
import { answers } from '../../../lab/cluster/host.ts';
import { connect } from '../../../lab/cluster/kubernetes.ts';
import { endpoints } from '../../../lab/cluster/layout.ts';
import type { Sent } from '../../../lab/cluster/load.ts';
import { stop } from '../../../lab/cluster/processes.ts';
import type { Run } from '../../../lab/embedded/runner.ts';
import { waitUntil } from '../../../lab/programs/wait.ts';
import { expectHeld, expectPromoted, expectPromotedWhenListed, expectRolledBack, lookAt } from './endings.ts';
import { inShop, meters, openShop, releaseOf, type Shop } from './shop.ts';
import { isLost, underLoad } from './traffic.ts';

const never = new AbortController().signal;
const until = (what: string, condition: () => Promise<boolean>) =>
  waitUntil(condition, { what, timeout: 60_000, signal: never });

const podList = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) });

const gatewayPodsPath = '/api/v1/namespaces/istio-system/pods?labelSelector=istio%3Dingressgateway';

/** A release under load, and what there was before it. */
async function begin(shop: Shop, inputs: Readonly<Record<string, string>>, reaches: (run: Run) => Promise<unknown>) {
  const found = await lookAt(shop);
  const there = Promise.withResolvers<Run>();
  const seen = underLoad(
    { host: shop.hosts.istio },
    async () => {
      if (inputs.prometheus) await shop.scraped();
      return shop.start(inputs);
    },
    async (run) => {
      await reaches(run);
      there.resolve(run);
      return undefined;
    },
  );
  // Also tells who awaits only the way there; an error is nobody's loss before somebody awaits it.
  seen.catch(there.reject);
  there.promise.catch(() => undefined);
  return {
    found,
    /** Resolves where the outage is to find it. */
    reached: there.promise,
    seen,
  };
}

/** Ends a component of the cluster until something is seen. */
async function without(component: ComponentName, seen: () => Promise<void>): Promise<void> {
  await stop(component, never);
  try {
    await seen();
  } finally {
    await startComponents([component], never);
  }
}

const shifted = (shop: Shop, weight: number) => () =>
  shop.until(`${weight} %`, async () => (await shop.weight()) === weight);

const inPhase = (shop: Shop, phase: string) => () =>
  shop.until(`phase ${phase}`, async () => (await shop.record())?.phase === phase);

const says = (run: Run, words: string) => until(`"${words}"`, async () => run.printed().includes(words));

/** Lets a step that holds go on, as a person does. */
function approve({ api, path }: Shop) {
  const annotations = { 'sluice.dev/command': 'approve', 'sluice.dev/by': 'carol' };
  return api.merge(path.record, { metadata: { annotations } });
}

/** Gives three shops to a test, as what is taken away is taken from all, and takes them away after it. */
async function inShops(tell: (one: Shop, two: Shop, three: Shop) => Promise<void>): Promise<void> {
  const shops = await Promise.all([openShop(), openShop(), openShop()]);
  try {
    await tell(...shops);
  } finally {
    await Promise.all(shops.map((shop) => shop.close()));
  }
}

/** Inputs of a release whose requests Prometheus counts. */
async function countedBy(metrics: 'prometheus' | 'envoy') {
  return { ...(await releaseOf('v2')), meter: 'prometheus', ...meters[metrics] };
}

/** One after the other, as what is taken away is taken from all. */
export const outages = {
  'Prometheus is stopped for 60 s: a release that has the patience is promoted, others end as they are to': () =>
    inShops(async (one, two, three) => {
      const inputs = { ...(await countedBy('prometheus')), steps: '10 for 20s, 50 for 3s, 100' };
      const hasty = { ...inputs, 'no-data-patience': '15s' };
      const [waits, undoes, holds] = await Promise.all([
        begin(one, inputs, shifted(one, 10)),
        begin(two, hasty, shifted(two, 10)),
        begin(three, { ...hasty, 'on-no-data': 'hold' }, shifted(three, 10)),
      ]);
      await Promise.all([waits.reached, undoes.reached, holds.reached]);
      await scalePrometheus(0);
      await sleep(60_000);
      expect(await one.weight()).toBe(10);
      const back = Date.now();
      await scalePrometheus(1);

      const waited = await waits.seen;
      expect(waited.ended.log).toMatch(/No new data for \d+s of 2m/);
      await expectPromoted(one, waits.found, waited, 'prometheus away, patient');
      for (const { ended, endedAt } of [await undoes.seen, await holds.seen]) {
        expect(endedAt).toBeLessThan(back);
        expect(ended.outputs.reason).toMatch(/^not yet known: the metrics have brought nothing new for 1\d s/);
      }
      await expectRolledBack(two, undoes.found, await undoes.seen, 'prometheus away, rolled back');
      await expectHeld(three, await holds.seen, { name: 'prometheus away, held', weight: 10 });
    }),
  'The API server is restarted: while releases begin, watch and find a breach': () =>
    inShops(async (one, two, three) => {
      const release = await releaseOf('v2');
      const [begins, watches, breaches] = await Promise.all([
        begin(one, release, (run) => says(run, 'Rollout')),
        begin(two, { ...release, steps: '10 for 10s, 100' }, shifted(two, 10)),
        begin(three, { ...(await countedBy('prometheus')), steps: '50 for 2m, 100' }, (run) =>
          says(run, 'follows at 50 %'),
        ),
      ]);
      const [, , breached] = await Promise.all([begins.reached, watches.reached, breaches.reached]);
      await three.fails('app=checkout-canary', 0.5);
      await without('kube-apiserver', () => says(breached, 'Breach at'));
      await expectPromoted(one, begins.found, await begins.seen, 'api server away, begins');
      await expectPromoted(two, watches.found, await watches.seen, 'api server away, watches');
      await expectRolledBack(three, breaches.found, await breaches.seen, 'api server away, breach');
    }),
  'The API server is restarted: while releases shift, promote and undo': () =>
    inShops(async (one, two, three) => {
      const release = await releaseOf('v2');
      const [shifts, promotes, undoes] = await Promise.all([
        begin(one, { ...release, steps: '10 for 3s then hold, 50 for 3s, 100' }, (run) => says(run, 'Holds at 10 %')),
        begin(two, { ...release, steps: '50 for 3s, 100 for 3s then hold' }, (run) => says(run, 'Holds at 100 %')),
        begin(three, { ...release, steps: '50 for 2m, 100', drain: '15s' }, (run) => says(run, 'follows at 50 %')),
      ]);
      const [shifting] = await Promise.all([shifts.reached, promotes.reached, undoes.reached]);
      await three.fails('app=checkout-canary', 0.5);
      await shifted(three, 0)();
      await Promise.all([approve(one), approve(two)]);
      await Promise.all([says(shifting, 'made ready for 50 %'), inPhase(two, 'promoting')()]);
      await without('kube-apiserver', async () => undefined);
      await expectPromotedWhenListed(one, shifts.found, await shifts.seen, 'api server away, shifts');
      await expectPromotedWhenListed(two, promotes.found, await promotes.seen, 'api server away, promotes');
      await expectRolledBack(three, undoes.found, await undoes.seen, 'api server away, undoes');
    }),
  'istiod is restarted: while releases shift, promote and undo: pods stay as long as requests still reach them': () =>
    inShops(async (one, two, three) => {
      const release = await releaseOf('v2');
      const [shifts, promotes, undoes] = await Promise.all([
        begin(one, { ...release, steps: '10 for 3s then hold, 50 for 3s, 100' }, (run) => says(run, 'Holds at 10 %')),
        begin(two, { ...release, steps: '50 for 3s, 100 for 3s then hold' }, (run) => says(run, 'Holds at 100 %')),
        begin(three, { ...release, steps: '50 for 2m, 100' }, (run) => says(run, 'follows at 50 %')),
      ]);
      const [shifting, , undoing] = await Promise.all([shifts.reached, promotes.reached, undoes.reached]);
      await without('istiod', async () => {
        await three.fails('app=checkout-canary', 0.5);
        await Promise.all([approve(one), approve(two)]);
        await says(shifting, '10 % → 50 %');
        await says(undoing, "The route's weights are as they were found");
        await shifted(two, 0)();
        // Longer than a drain takes here.
        await sleep(8_000);
      });
      await expectPromoted(one, shifts.found, await shifts.seen, 'istiod away, shifts');
      await expectPromoted(two, promotes.found, await promotes.seen, 'istiod away, promotes');
      await expectRolledBack(three, undoes.found, await undoes.seen, 'istiod away, undoes');
    }),
  'The registry is stopped while the canary grows: a release goes on once its new pod gets its image': () =>
    inShop({}, async (shop) => {
      await alwaysPull(shop);
      const steps = '10 for 3s then hold, 100';
      const release = await begin(shop, { ...(await releaseOf('v2')), steps }, (run) => says(run, 'Holds at 10 %'));
      await release.reached;
      await without('registry', async () => {
        await approve(shop);
        await shop.until('a pod without its image', async () =>
          /"reason":"(ErrImagePull|ImagePullBackOff)"/.test(JSON.stringify(await shop.api.get(shop.path.pods))),
        );
      });
      await expectPromoted(shop, release.found, await release.seen, 'registry away while the canary grows');
    }),
  'The pod of the gateway is deleted: requests are lost until the next one serves, and at no other time': () =>
    inShop({}, async (shop) => {
      const inputs = { ...(await countedBy('envoy')), steps: '10 for 3s, 100' };
      const release = await begin(shop, inputs, shifted(shop, 10));
      await release.reached;
      const former = await gatewayPods(shop);
      const from = Date.now();
      await shop.api.delete(gatewayPodsPath);
      // It serves for a moment more.
      await until('the end of the pod', async () => (await gatewayPods(shop)).every((name) => !former.includes(name)));
      await until('the gateway', async () => (await shop.versions(shop.hosts.istio)).has('v1'));
      const to = Date.now();
      const seen = await release.seen;
      const lost = seen.sent.filter(isLost);
      process.stdout.write(`gateway deleted: ${lost.length} lost in ${(to - from) / 1_000} s\n`);
      expect(lost.filter((one) => one.at + one.milliseconds < from || harmedFrom(one) > to)).toEqual([]);
      const others = { ...seen, sent: seen.sent.filter((one) => !isLost(one)) };
      await expectPromoted(shop, release.found, others, 'gateway deleted');
    }),
} as const satisfies Readonly<Record<string, () => Promise<void>>>;

/** From now on each pod of the shop asks the registry for its image, also where the node has it. */
async function alwaysPull(shop: Shop): Promise<void> {
  const path = '/spec/template/spec/containers/0/imagePullPolicy';
  await shop.api.patch(`${shop.path.deployments}/checkout`, [{ op: 'replace', path, value: 'Always' }]);
  await shop.settled();
}

async function gatewayPods({ api }: Shop): Promise<string[]> {
  const { items } = podList.parse(await api.get(gatewayPodsPath));
  return items.map(({ metadata }) => metadata.name);
}

/** When the harm was done at the earliest: a request may wait for a connection that was begun ten seconds before it failed. */
function harmedFrom({ at, milliseconds, version }: Sent): number {
  return version.startsWith('Connect Timeout') ? at + milliseconds - 10_000 : at;
}

/** Resolves when as many pods of Prometheus serve. */
async function scalePrometheus(replicas: number): Promise<void> {
  const api = await connect();
  await api.merge('/apis/apps/v1/namespaces/monitoring/deployments/prometheus', { spec: { replicas } });
  const isThere = () => answers(`${endpoints.prometheus}/-/ready`).catch(() => false);
  await until(`Prometheus with ${replicas} pods`, async () => (await isThere()) === replicas > 0);
}
