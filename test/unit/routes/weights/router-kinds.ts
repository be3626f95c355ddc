import fc from 'fast-check';
import { type KubernetesObject, kubernetesObject } from '../../../../src/cluster/schema.ts';
import { gatewayApiRules } from '../../../../src/routes/weights/gateway-api.ts';
import { istioDestinations, istioRules } from '../../../../src/routes/weights/istio.ts';
import type { Destinations, Rule } from '../../../../src/routes/weights/rules.ts';
import { serviceDestinations } from '../../../../src/routes/weights/services.ts';
import { traefikRules } from '../../../../src/routes/weights/traefik.ts';

/** A kind of route with weights in lists, and any object of it, for properties that hold for all of them. */
export interface Kind {
  readonly name: string;
  readonly destinations: Destinations;
  readonly rulesOf: (object: KubernetesObject) => Rule[];
  readonly objects: fc.Arbitrary<KubernetesObject>;
}

const arms = { namespace: 'shop', stable: { name: 'checkout' }, canary: { name: 'checkout-canary' } };

/** An arm's or another's entry: where it leads, and its weight where it names one. */
type MakeEntry = (where: 'stable' | 'canary' | `other-${number}`, weight: number | undefined, extra: object) => object;

const weight = fc.option(fc.integer({ min: 0, max: 300 }), { nil: undefined });
const extra = fc.constantFrom({}, { headers: { request: { set: { 'x-arm': 'a' } } } }, { note: ['kept'] });

/** The destinations of a rule that names the stable arm, with requests for at least one arm. */
function destinations(makeEntry: MakeEntry, named: fc.Arbitrary<number | undefined> = weight) {
  return fc
    .record({
      stable: fc.integer({ min: 1, max: 300 }),
      extra,
      canary: fc.option(named, { nil: null }),
      others: fc.array(named, { maxLength: 3 }),
      place: fc.nat(4),
    })
    .map(({ stable, extra, canary, others, place }) => {
      const entries = others.map((weight, index) => makeEntry(`other-${index}`, weight, extra));
      if (canary !== null) entries.splice(place % (entries.length + 1), 0, makeEntry('canary', canary, extra));
      entries.splice(place, 0, makeEntry('stable', stable, extra));
      return entries;
    });
}

function withWeight(entry: object, weight: number | undefined, extra: object): object {
  return { ...entry, ...(weight !== undefined && { weight }), ...extra };
}

function toObject(apiVersion: string, kind: string, spec: object): KubernetesObject {
  return kubernetesObject.parse({
    apiVersion,
    kind,
    metadata: { name: 'checkout', namespace: 'shop', generation: 1 },
    spec,
  });
}

const istioEntry: MakeEntry = (where, weight, extra) => {
  const subsets: Record<string, string> = { stable: 'v1', canary: 'v2' };
  const subset = subsets[where];
  const destination = subset === undefined ? { host: where } : { host: 'checkout.shop.svc.cluster.local', subset };
  return withWeight({ destination }, weight, extra);
};

const istioRoute = fc.record(
  {
    name: fc.constantFrom('primary', 'api', 'images'),
    match: fc.constantFrom([{ uri: { prefix: '/api' } }], [{ headers: { 'x-beta': { exact: '1' } } }]),
    route: destinations(istioEntry),
    timeout: fc.constant('3s'),
    retries: fc.constant({ attempts: 2, retryOn: '5xx' }),
    mirror: fc.constant({ host: 'shadow' }),
    fault: fc.constant({ delay: { percentage: { value: 0.1 }, fixedDelay: '5s' } }),
  },
  { requiredKeys: ['route'] },
);
const redirect = fc.constant({ match: [{ uri: { exact: '/old' } }], redirect: { uri: '/new' } });
const elsewhere = fc.constant({ name: 'static', route: [{ destination: { host: 'static' } }] });

const istio: Kind = {
  name: 'istio',
  destinations: istioDestinations('shop', { host: 'checkout', subset: 'v1' }, { host: 'checkout.shop', subset: 'v2' }),
  rulesOf: istioRules,
  objects: fc
    .record({
      hosts: fc.constant(['checkout']),
      http: fc.array(fc.oneof({ weight: 3, arbitrary: istioRoute }, redirect, elsewhere), {
        minLength: 1,
        maxLength: 4,
      }),
      tcp: fc.array(fc.record({ route: destinations(istioEntry) }), { maxLength: 2 }),
    })
    .map((spec) => toObject('networking.istio.io/v1', 'VirtualService', spec)),
};

function serviceEntry(other: object): MakeEntry {
  const names: Record<string, string> = { stable: arms.stable.name, canary: arms.canary.name };
  return (where, weight, extra) => withWeight({ ...other, name: names[where] ?? where, port: 80 }, weight, extra);
}

const gatewayApi: Kind = {
  name: 'gateway-api',
  destinations: serviceDestinations(arms, ['group']),
  rulesOf: gatewayApiRules,
  objects: fc
    .array(
      fc.record(
        {
          name: fc.constantFrom('primary', 'api'),
          matches: fc.constantFrom([{ path: { type: 'PathPrefix', value: '/' } }], [{ method: 'POST' }]),
          filters: fc.constant([
            { type: 'RequestMirror', requestMirror: { backendRef: { name: 'checkout', port: 80 } } },
          ]),
          timeouts: fc.constant({ request: '10s' }),
          backendRefs: destinations(serviceEntry({ group: '', kind: 'Service' })),
        },
        { requiredKeys: ['backendRefs'] },
      ),
      { minLength: 1, maxLength: 4 },
    )
    .map((rules) => toObject('gateway.networking.k8s.io/v1', 'HTTPRoute', { parentRefs: [{ name: 'public' }], rules })),
};

const traefik: Kind = {
  name: 'traefik',
  destinations: serviceDestinations(arms),
  rulesOf: traefikRules,
  objects: destinations(serviceEntry({})).map((services) =>
    toObject('traefik.io/v1alpha1', 'TraefikService', { weighted: { services, sticky: { cookie: { name: 'arm' } } } }),
  ),
};

export const kinds: readonly Kind[] = [istio, gatewayApi, traefik];
