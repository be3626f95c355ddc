import fc from 'fast-check';
import { applyPatch } from 'rfc6902';
import { describe, expect, test } from 'vitest';
import { type KubernetesObject, kubernetesObject } from '../../../../src/cluster/schema.ts';
import {
  annotationPatch,
  canaryIngress,
  likeStable,
  planAnnotations,
  weightAnnotationsOf,
  weightMeant,
  withWeight,
} from '../../../../src/routes/objects/nginx-ingress.ts';

const prefix = 'nginx.ingress.kubernetes.io';

function ingress(annotations: Record<string, string>, spec: object = {}): KubernetesObject {
  return kubernetesObject.parse({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name: 'checkout',
      namespace: 'shop',
      uid: 'u-1',
      labels: { 'app.kubernetes.io/instance': 'shop' },
      annotations,
    },
    spec,
  });
}

function path(path: string, service: string) {
  return { path, pathType: 'Prefix', backend: { service: { name: service, port: { number: 80 } } } };
}

describe('the canary Ingress made from the stable one', () => {
  const stable = ingress(
    {
      'kubernetes.io/ingress.class': 'nginx',
      [`${prefix}/rewrite-target`]: '/$1',
      [`${prefix}/affinity`]: 'cookie',
      [`${prefix}/session-cookie-name`]: 'arm',
      [`${prefix}/upstream-hash-by`]: '$request_uri',
      'argocd.argoproj.io/tracking-id': 'shop:networking.k8s.io/Ingress:shop/checkout',
      'cert-manager.io/cluster-issuer': 'letsencrypt',
    },
    {
      ingressClassName: 'nginx',
      tls: [{ hosts: ['shop.example'], secretName: 'shop-tls' }],
      defaultBackend: { service: { name: 'fallback', port: { number: 80 } } },
      rules: [
        { host: 'shop.example', http: { paths: [path('/', 'checkout'), path('/static', 'static')] } },
        { host: 'static.example', http: { paths: [path('/', 'static')] } },
        { host: 'api.example', http: { paths: [path('/v1', 'checkout')] } },
      ],
    },
  );
  const canary = canaryIngress(stable, 'checkout-canary', { stable: 'checkout', canary: 'checkout-v2' });

  test('has the paths that lead to the stable Service, and leads to the canary', () => {
    expect(canary.spec).toEqual({
      ingressClassName: 'nginx',
      tls: [{ hosts: ['shop.example'], secretName: 'shop-tls' }],
      rules: [
        { host: 'shop.example', http: { paths: [path('/', 'checkout-v2')] } },
        { host: 'api.example', http: { paths: [path('/v1', 'checkout-v2')] } },
      ],
    });
  });

  test('takes over the annotations that ingress-nginx does not inherit, and nothing that tracks an owner', () => {
    expect(canary.metadata).toEqual({
      name: 'checkout-canary',
      namespace: 'shop',
      labels: { 'app.kubernetes.io/managed-by': 'sluice' },
      annotations: {
        'kubernetes.io/ingress.class': 'nginx',
        [`${prefix}/affinity`]: 'cookie',
        [`${prefix}/session-cookie-name`]: 'arm',
        [`${prefix}/upstream-hash-by`]: '$request_uri',
        [`${prefix}/canary`]: 'true',
      },
      ownerReferences: [{ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'checkout', uid: 'u-1' }],
    });
  });

  test('takes over a default backend that is the stable Service', () => {
    const catchAll = ingress({}, { defaultBackend: { service: { name: 'checkout', port: { name: 'http' } } } });
    expect(canaryIngress(catchAll, 'checkout-canary', { stable: 'checkout', canary: 'checkout-v2' }).spec).toEqual({
      defaultBackend: { service: { name: 'checkout-v2', port: { name: 'http' } } },
      rules: [],
    });
  });

  test('is created with its weight', () => {
    const { annotations } = withWeight(canary, planAnnotations({ weight: null, total: null }, 5)).metadata;
    expect(annotations).toMatchObject({ [`${prefix}/canary`]: 'true', [`${prefix}/canary-weight`]: '5' });
    expect(annotations).not.toHaveProperty([`${prefix}/canary-weight-total`]);
  });
});

describe('weight annotations', () => {
  const found = fc.record({
    weight: fc.option(fc.integer({ min: 0, max: 100 }).map(String)),
    total: fc.option(fc.constantFrom('100', '1000', '64', '300')),
  });
  const percent = fc.oneof(fc.integer({ min: 0, max: 100 }), fc.constantFrom(0.5, 12.5));
  const other = { [`${prefix}/canary`]: 'true', [`${prefix}/canary-by-header`]: 'x-canary' };
  const annotated = ({ weight, total }: { weight: string | null; total: string | null }) =>
    ingress({
      ...other,
      ...(weight !== null && { [`${prefix}/canary-weight`]: weight }),
      ...(total !== null && { [`${prefix}/canary-weight-total`]: total }),
    });

  test.each([
    [{ weight: null, total: null }, 25, { weight: '25', total: null }],
    [{ weight: '0', total: '1000' }, 25, { weight: '250', total: '1000' }],
    [{ weight: '0', total: null }, 0.5, { weight: '1', total: '200' }],
  ])('%o at %d %% become %o', (found, weight, planned) => {
    expect(planAnnotations(found, weight)).toEqual(planned);
  });

  test('mean the weight that was planned', () => {
    fc.assert(
      fc.property(found, percent, (found, weight) => {
        expect(weightMeant(planAnnotations(found, weight))).toBe(weight);
      }),
    );
  });

  test('that are no numbers mean no weight', () => {
    expect(weightMeant({ weight: 'many', total: null })).toBeUndefined();
    expect(weightMeant({ weight: '101', total: null })).toBeUndefined();
  });

  test('are as found after a shift and a restore, and no other annotation is touched', () => {
    fc.assert(
      fc.property(found, percent, (found, weight) => {
        const object = annotated(found);
        expect(applyPatch(object, annotationPatch(object, planAnnotations(found, weight)))).not.toContainEqual(
          expect.anything(),
        );
        expect(weightMeant(weightAnnotationsOf(object))).toBe(weight);
        expect(object.metadata.annotations).toMatchObject(other);
        applyPatch(object, annotationPatch(object, found));
        expect(object).toEqual(annotated(found));
      }),
    );
  });

  test('are not patched over a weight that somebody has changed in between', () => {
    fc.assert(
      fc.property(found, percent, (found, weight) => {
        const operations = annotationPatch(annotated(found), planAnnotations(found, weight));
        fc.pre(operations.length > 0);
        const edited = annotated({ ...found, weight: '77' });
        fc.pre(found.weight !== '77');
        expect(applyPatch(edited, operations).some((error) => error !== null)).toBe(true);
      }),
    );
  });
});

describe('a canary Ingress that was left', () => {
  const services = { stable: 'checkout', canary: 'checkout-canary' };
  const rules = (at: string, service: string) => [{ host: 'shop.example', http: { paths: [path(at, service)] } }];

  test('keeps the class that the API server gave it where the stable one names none', () => {
    const wanted = canaryIngress(ingress({}, { rules: rules('/v2', 'checkout') }), 'checkout-canary', services);
    const canary = { [`${prefix}/canary`]: 'true' };
    const left = ingress(canary, { ingressClassName: 'nginx', rules: rules('/v1', 'checkout-canary') });
    const spec = { ingressClassName: 'nginx', rules: rules('/v2', 'checkout-canary') };
    expect(likeStable(left, wanted)).toEqual([{ op: 'replace', path: '/spec', value: spec }]);
    expect(likeStable(ingress(canary, spec), wanted)).toEqual([]);
  });
});
