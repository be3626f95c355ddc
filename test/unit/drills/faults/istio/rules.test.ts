import fc from 'fast-check';
import { applyPatch } from 'rfc6902';
import { describe, expect, test } from 'vitest';
import { type KubernetesObject, kubernetesObject, type PatchOperation } from '../../../../../src/cluster/schema.ts';
import { planInjection } from '../../../../../src/drills/faults/istio/injection.ts';
import {
  FAULT_ANNOTATION,
  type IstioFaultSettings,
  writtenFault,
} from '../../../../../src/drills/faults/istio/mark.ts';
import { planRemoval } from '../../../../../src/drills/faults/istio/removal.ts';
import { httpRules } from '../../../../../src/drills/faults/istio/rules.ts';

const owner = { drill: 'nightly', run: 'run-1' };

function patched(object: KubernetesObject, operations: readonly PatchOperation[]): KubernetesObject {
  const copy = structuredClone(object);
  const errors = applyPatch(copy, structuredClone([...operations])).filter((error) => error !== null);
  expect(errors).toEqual([]);
  return kubernetesObject.parse(copy);
}

function isRefused(object: KubernetesObject, operations: readonly PatchOperation[]): boolean {
  return applyPatch(structuredClone(object), structuredClone([...operations])).some((error) => error !== null);
}

function virtualService(http: readonly object[], annotations?: Record<string, string>): KubernetesObject {
  return kubernetesObject.parse({
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'checkout', namespace: 'shop', resourceVersion: '7', ...(annotations && { annotations }) },
    spec: { hosts: ['checkout'], http },
  });
}

const condition = fc.constantFrom(
  {},
  { uri: { prefix: '/api' } },
  { uri: { exact: '/cart' }, method: { exact: 'GET' } },
  { headers: { beta: { exact: '1' } } },
);
const destination = fc.record({
  destination: fc.record({ host: fc.constantFrom('checkout', 'checkout.shop.svc.cluster.local', 'legacy') }),
  weight: fc.nat(100),
});
/** A fault of somebody else, which no drill here injects. */
const foreignFault = fc.constantFrom(
  { delay: { percentage: { value: 7 }, fixedDelay: '9s' } },
  { abort: { percentage: { value: 7 }, httpStatus: 418 } },
);
const rule = fc.oneof(
  { weight: 4, arbitrary: routed() },
  { weight: 1, arbitrary: fc.constant({ match: [{ uri: { prefix: '/old' } }], redirect: { uri: '/new' } }) },
  { weight: 1, arbitrary: fc.constant({ name: 'other', delegate: { name: 'other', namespace: 'shop' } }) },
);

function routed() {
  return fc
    .record({
      name: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
      match: fc.option(fc.array(condition, { maxLength: 2 }), { nil: undefined }),
      route: fc.array(destination, { minLength: 1, maxLength: 3 }),
      timeout: fc.constantFrom(undefined, '3s'),
    })
    .map(({ name, match, route, timeout }) => ({
      ...(name !== undefined && { name: `rule-${name}` }),
      ...(match !== undefined && { match }),
      route,
      ...(timeout !== undefined && { timeout }),
    }));
}

const objects = fc
  .record({
    rules: fc.array(rule, { maxLength: 5 }),
    first: routed(),
    place: fc.nat(5),
    faulted: fc.option(fc.record({ at: fc.nat(5), fault: foreignFault }), { nil: undefined }),
    annotations: fc.option(fc.constant({ team: 'shop' }), { nil: undefined }),
  })
  .map(({ rules, first, place, faulted, annotations }) => {
    const http: object[] = [...rules];
    http.splice(place, 0, { ...first, name: 'primary' });
    // Somebody else's fault is in a rule that leads elsewhere.
    if (faulted)
      http.splice(faulted.at, 0, {
        name: 'theirs',
        route: [{ destination: { host: 'theirs' } }],
        fault: faulted.fault,
      });
    return virtualService(http, annotations);
  });

const settings: fc.Arbitrary<IstioFaultSettings> = fc.record({
  namespace: fc.constant('shop'),
  name: fc.constant('checkout'),
  rules: fc.constantFrom(
    { kind: 'host', host: 'checkout' } as const,
    { kind: 'host', host: 'legacy.shop' } as const,
    { kind: 'rule', rule: 'primary' } as const,
  ),
  injection: fc.constantFrom(
    { kind: 'delay', milliseconds: 500 } as const,
    { kind: 'abort', status: 503 } as const,
    { kind: 'abort', grpcStatus: 'UNAVAILABLE' } as const,
  ),
  share: fc.constantFrom(0.5, 20, 100),
  lasts: fc.constant(1_000),
  text: fc.constant('istio'),
});
const header = { name: 'X-Drill', value: 'yes' };
const inBoth = fc
  .tuple(settings, fc.boolean())
  .map(([plain, withHeader]): IstioFaultSettings => (withHeader ? { ...plain, header } : plain));

function inject(object: KubernetesObject, given: IstioFaultSettings): KubernetesObject | undefined {
  // Random rules need not have one that is chosen.
  const leads = (host: string) => httpRules(object).some(({ hosts }) => hosts.includes(host));
  if (given.rules.kind === 'host' && !leads(given.rules.host === 'checkout' ? 'checkout.shop.svc' : 'legacy.shop.svc'))
    return undefined;
  return patched(object, planInjection(object, given, owner).operations);
}

function remove(object: KubernetesObject): { readonly object: KubernetesObject; readonly left: readonly string[] } {
  const written = writtenFault(object);
  if (written === undefined || written === 'unreadable') throw new Error('no annotation');
  const { operations, left } = planRemoval(object, written);
  return { object: patched(object, operations), left };
}

function httpOf(object: KubernetesObject): object[] {
  return httpRules(object).map(({ raw }) => structuredClone(raw));
}

function withHttp(object: KubernetesObject, http: readonly object[]): KubernetesObject {
  return kubernetesObject.parse({ ...object, spec: { hosts: ['checkout'], http } });
}

/** What others do to the rules while the fault is in them. */
const edits = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('insert' as const),
      at: fc.nat(8),
      fault: fc.option(foreignFault, { nil: undefined }),
    }),
    fc.record({ kind: fc.constant('move' as const), at: fc.nat(8), to: fc.nat(8) }),
    fc.record({ kind: fc.constant('weights' as const), at: fc.nat(8), weight: fc.nat(100) }),
    fc.record({ kind: fc.constant('timeout' as const), at: fc.nat(8) }),
  ),
  { maxLength: 4 },
);
type Edit = typeof edits extends fc.Arbitrary<readonly (infer E)[]> ? E : never;

/** The same edits on rules with the fault and on those without: `isCounted` leaves out the copies, which only one of them has. */
function edited(http: readonly object[], list: readonly Edit[], isCounted: (rule: object) => boolean): object[] {
  const rules = [...http];
  const placeOf = (at: number) => {
    const counted = rules.flatMap((one, index) => (isCounted(one) ? [index] : []));
    return counted[at % Math.max(1, counted.length)] ?? 0;
  };
  list.forEach((edit, turn) => {
    const place = placeOf(edit.at);
    const found = rules[place] ?? {};
    if (edit.kind === 'insert') {
      const fault = edit.fault === undefined ? {} : { fault: edit.fault };
      rules.splice(place, 0, { name: `new-${turn}`, route: [{ destination: { host: 'new' } }], ...fault });
    } else if (edit.kind === 'move') {
      rules.splice(place, 1);
      rules.splice(placeOf(edit.to), 0, found);
    } else if (edit.kind === 'weights') {
      if ('route' in found && Array.isArray(found.route))
        rules[place] = { ...found, route: found.route.map((entry: object) => ({ ...entry, weight: edit.weight })) };
    } else {
      rules[place] = { ...found, timeout: '11s' };
    }
  });
  return rules;
}

const isCopy = (one: object) => 'name' in one && typeof one.name === 'string' && one.name.startsWith('sluice-drill-');

describe('the fault of a VirtualService', () => {
  test('is taken out again without a trace', () => {
    fc.assert(
      fc.property(objects, inBoth, (object, given) => {
        const faulted = inject(object, given);
        if (faulted === undefined) return;
        expect(faulted).not.toEqual(object);
        expect(remove(faulted)).toEqual({ object, left: [] });
      }),
    );
  });

  test('is taken out from among what others have changed meanwhile, and all of that stays', () => {
    fc.assert(
      fc.property(objects, inBoth, edits, (object, given, list) => {
        const faulted = inject(object, given);
        if (faulted === undefined) return;
        const theirs = withHttp(
          faulted,
          edited(httpOf(faulted), list, (one) => !isCopy(one)),
        );
        const { object: after, left } = remove(theirs);
        expect(left).toEqual([]);
        expect(httpOf(after)).toEqual(edited(httpOf(object), list, () => true));
        expect(after.metadata.annotations?.[FAULT_ANNOTATION]).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  test('is in chosen rules alone, and with a header no rule of users changes', () => {
    fc.assert(
      fc.property(objects, inBoth, (object, given) => {
        const faulted = inject(object, given);
        if (faulted === undefined) return;
        const rules = httpOf(faulted);
        if (given.header === undefined) {
          expect(rules.map(({ ...one }) => ({ ...one, fault: 0 }))).toEqual(
            httpOf(object).map((one) => ({ ...one, fault: 0 })),
          );
          return;
        }
        expect(rules.filter((one) => !isCopy(one))).toEqual(httpOf(object));
        const copies = httpRules(faulted).filter(({ raw }) => isCopy(raw));
        expect(copies.length).toBeGreaterThan(0);
        for (const { match, index } of copies) {
          expect(match.every(({ headers }) => JSON.stringify(headers).includes('"x-drill":{"exact":"yes"}'))).toBe(
            true,
          );
          // It takes requests of the rule that follows it, and of no other.
          const [next] = httpRules(faulted).slice(index + 1);
          expect(next?.hosts).toEqual(httpRules(faulted)[index]?.hosts);
        }
      }),
    );
  });

  test('is not written where anything was changed since it was read', () => {
    fc.assert(
      fc.property(objects, inBoth, (object, given) => {
        if (inject(object, given) === undefined) return;
        const { operations } = planInjection(object, given, owner);
        const [first, ...rest] = httpOf(object);
        expect(isRefused(withHttp(object, [{ ...first, timeout: '13s' }, ...rest]), operations)).toBe(true);
        const metadata = { ...object.metadata, resourceVersion: '8', annotations: { other: 'run' } };
        expect(isRefused(kubernetesObject.parse({ ...object, metadata }), operations)).toBe(true);
      }),
    );
  });

  const abort: IstioFaultSettings = {
    namespace: 'shop',
    name: 'checkout',
    rules: { kind: 'all' },
    injection: { kind: 'abort', status: 503 },
    share: 20,
    lasts: 1_000,
    text: 'istio-abort 503 20%',
  };
  const route = [{ destination: { host: 'checkout' } }];

  test('that others have edited is left and named, until they take it out', () => {
    const faulted = inject(
      virtualService([{ name: 'api', match: [{ uri: { prefix: '/api' } }], route }, { route }]),
      abort,
    );
    const [api = {}, rest = {}] = httpOf(faulted ?? virtualService([]));
    const theirs = { ...rest, fault: { abort: { percentage: { value: 60 }, httpStatus: 503 } } };
    const edited = withHttp(faulted ?? virtualService([]), [api, theirs]);
    const once = remove(edited);
    expect(once.left).toEqual(['http[1]']);
    expect(httpOf(once.object)).toEqual([{ name: 'api', match: [{ uri: { prefix: '/api' } }], route }, theirs]);
    expect(remove(once.object)).toEqual(once);
    expect(remove(withHttp(once.object, [{ route }])).left).toEqual([]);
  });

  test('that others have removed with its rule needs no more than the annotation gone', () => {
    const faulted = inject(virtualService([{ name: 'api', route }]), abort) ?? virtualService([]);
    const { object, left } = remove(withHttp(faulted, [{ name: 'other', route: [{ destination: { host: 'b' } }] }]));
    expect({ left, annotations: object.metadata.annotations }).toEqual({ left: [], annotations: undefined });
  });

  test.each<[string, object, IstioFaultSettings, string]>([
    [
      'only TCP rules',
      { tcp: [{ route }] },
      abort,
      'has no http rules, and Istio injects faults into HTTP requests alone.',
    ],
    ['delegates', { http: [{ delegate: { name: 'b' } }] }, abort, 'has no http rule with a destination'],
    ['no such host', { http: [{ route }] }, { ...abort, rules: { kind: 'host', host: 'b' } }, 'leads to b.'],
    ['no such rule', { http: [{ route }] }, { ...abort, rules: { kind: 'rule', rule: 'b' } }, 'has no http rule "b"'],
    ['a fault of others', { http: [{ route, fault: {} }] }, abort, 'has a fault already'],
    [
      'the same fault elsewhere',
      {
        http: [
          { name: 'a', route },
          { route, fault: { abort: { percentage: { value: 20 }, httpStatus: 503 } } },
        ],
      },
      { ...abort, rules: { kind: 'rule', rule: 'a' } },
      'has the very fault',
    ],
    [
      'a match on the header',
      { http: [{ match: [{ headers: { 'X-Drill': { exact: 'a' } } }], route }] },
      { ...abort, header },
      'matches on the header X-Drill itself.',
    ],
  ])('is refused for %s', (_, spec, given, problem) => {
    const object = kubernetesObject.parse({ ...virtualService([]), spec });
    expect(() => planInjection(object, given, owner)).toThrow(problem);
  });

  test('of another drill keeps the next one away', () => {
    const faulted = inject(virtualService([{ route }]), abort) ?? virtualService([]);
    expect(() => planInjection(faulted, abort, owner)).toThrow('carries a fault of drill "nightly", run run-1.');
    const foreign = virtualService([{ route }], { [FAULT_ANNOTATION]: '{"rules":"?"}' });
    expect(() => planInjection(foreign, abort, owner)).toThrow("can't be read");
  });
});
