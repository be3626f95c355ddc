import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import * as z from 'zod';
import { labAgent } from '../../../lab/cluster/host.ts';
import { type Api, type Manifest, manifestsOf } from '../../../lab/cluster/kubernetes.ts';
import { endpoints } from '../../../lab/cluster/layout.ts';
import { waitUntil } from '../../../lab/programs/wait.ts';
import { digestImage } from '../../e2e/cluster/shop.ts';

export type Shop = Awaited<ReturnType<typeof openShop>>;

const workload = z.looseObject({
  spec: z.looseObject({
    template: z.looseObject({
      spec: z.looseObject({
        containers: z.tuple([z.looseObject({ name: z.string(), lifecycle: z.unknown().optional() })]),
      }),
    }),
  }),
});

/**
 * The workload with another image in its only container, and without what has that wait before it ends: Flagger's client
 * is of a Kubernetes that knew no `sleep`, and would lose it. Pods end at once for every tool, as most services' do. Their
 * errors are drawn, as chance is what a good release must be told from.
 */
function withImage<T>(object: T, image: string) {
  const { spec } = workload.parse(object);
  const { template } = spec;
  const [{ lifecycle: _, ...container }] = template.spec.containers;
  const containers = [{ ...container, image, env: [{ name: 'ERRORS', value: 'random' }] }];
  return { ...object, spec: { ...spec, template: { ...template, spec: { ...template.spec, containers } } } };
}

/** A namespace of its own with a host of its own, so that several runs go side by side. */
export async function openShop(api: Api, prefix: string) {
  const namespace = `${prefix}-${randomBytes(3).toString('hex')}`;
  const host = `${namespace}.istio.example`;
  const stable = await digestImage('v1');
  const manifests = (await manifestsOf('one-workload.yaml', { namespace, host: namespace })).map((object) =>
    object.kind === 'Deployment' ? withImage(object, stable) : object,
  );

  /** The demo service's objects of these kinds, as the lab's own manifest has them. */
  const parts = (...kinds: readonly string[]): Manifest[] => manifests.filter(({ kind }) => kinds.includes(kind));

  return {
    api,
    namespace,
    host,
    parts,
    async apply(objects: readonly Manifest[]): Promise<void> {
      for (const object of objects) await api.apply(object);
    },
    /** An object of the shop's own namespace, under the root of its API: `apps/v1/deployments/checkout`. */
    path: (resource: string) => {
      const [group = '', version = '', ...rest] = resource.split('/');
      return `/apis/${group}/${version}/namespaces/${namespace}/${rest.join('/')}`;
    },
    /** Waits for what the making of a shop takes. */
    until: (what: string, condition: () => Promise<boolean>) =>
      waitUntil(condition, { what: `${what} in ${namespace}`, timeout: 120_000, signal: new AbortController().signal }),
    /** Waits for the end of a release: rarely asked, as the lab has better things to do. Rejects with the signal's reason. */
    async ended(condition: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
      while (!(await condition())) await sleep(500, undefined, { signal });
    },
    async served(): Promise<boolean> {
      const options = { dispatcher: labAgent, headers: { host }, signal: AbortSignal.timeout(2_000) };
      const { headers, body } = await request(endpoints.gateway, options);
      await body.dump();
      return headers['x-version'] === 'v1';
    },
    /** Changes the image of a workload's only container, as `kubectl set image` would. */
    async setImage(path: string, tag: string): Promise<void> {
      const { spec } = withImage(workload.parse(await api.get(path)), await digestImage(tag));
      await api.merge(path, { spec: { template: { spec: { containers: spec.template.spec.containers } } } });
    },
    close: () => api.delete(`/api/v1/namespaces/${namespace}`),
  };
}
