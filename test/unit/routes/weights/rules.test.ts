import fc from 'fast-check';
import { applyPatch } from 'rfc6902';
import { describe, expect, test } from 'vitest';
import { type KubernetesObject, kubernetesObject, type PatchOperation } from '../../../../src/cluster/schema.ts';
import {
  type Destination,
  locateRules,
  planWeights,
  type Rule,
  shows,
  transition,
  weightShown,
  weightsOf,
} from '../../../../src/routes/weights/rules.ts';
import { type Kind, kinds } from './router-kinds.ts';

const percent = fc.oneof(fc.integer({ min: 0, max: 100 }), fc.constantFrom(0.5, 12.5, 99.9));

/** The object after an RFC 6902 patch; fails the test where the patch can't be applied. */
function patched(object: KubernetesObject, operations: readonly PatchOperation[]): KubernetesObject {
  const copy = structuredClone(object);
  const errors = applyPatch(copy, structuredClone([...operations])).filter((error) => error !== null);
  expect(errors).toEqual([]);
  return copy;
}

function isRefused(object: KubernetesObject, operations: readonly PatchOperation[]): boolean {
  return applyPatch(structuredClone(object), structuredClone([...operations])).some((error) => error !== null);
}

function managed({ destinations, rulesOf }: Kind, object: KubernetesObject): Rule[] {
  return rulesOf(object).filter((rule) => {
    const { stable, canary = 0 } = weightsOf(destinations, rule);
    return stable !== undefined && stable + canary > 0;
  });
}

/** What a router writes to take every managed rule to what `targetOf` says, from `believedOf`. */
function write(
  kind: Kind,
  object: KubernetesObject,
  found: readonly Rule[],
  believedOf: (rule: Rule) => readonly Destination[],
  targetOf: (rule: Rule) => readonly Destination[],
): PatchOperation[] {
  return locateRules(kind.destinations, found, kind.rulesOf(object)).flatMap((current, index) => {
    const rule = found[index];
    if (current === undefined || rule === undefined) throw new Error('a rule is gone');
    return transition(kind.destinations, current, believedOf(rule), targetOf(rule));
  });
}

/** The object without what a shift may write: weights, and the canary's entries. */
function frame({ destinations: kind, rulesOf }: Kind, object: KubernetesObject): KubernetesObject {
  const copy = structuredClone(object);
  for (const { pointer, listField, destinations } of rulesOf(object)) {
    const others = destinations.filter((entry) => kind.armOf(entry) !== 'canary');
    const value = others.map(({ weight: _, ...rest }) => rest);
    applyPatch(copy, [{ op: 'replace', path: `${pointer}/${listField}`, value }]);
  }
  return copy;
}

const found = (rule: Rule) => rule.destinations;

/** A weight that no plan has: the weights of the arms add up to 10,100 at most. */
const FOREIGN = 1_000_003;

describe.each(kinds)('a rule of $name', (kind) => {
  const at = (weight: number) => (rule: Rule) => planWeights(kind.destinations, rule, weight);
  const rules = kind.objects.map((object) => managed(kind, object)).filter((rules) => rules.length > 0);
  const rule = rules.map(([first]) => first).filter((rule) => rule !== undefined);
  const routes = kind.objects.filter((object) => managed(kind, object).length > 0);
  const weights = (destinations: readonly Destination[], rule: Rule) =>
    weightsOf(kind.destinations, { ...rule, destinations });

  test('gives the canary exactly its weight of the arms share', () => {
    fc.assert(
      fc.property(rule, percent, (rule, weight) => {
        const { stable = 0, canary = 0 } = weights(at(weight)(rule), rule);
        expect((canary / (stable + canary)) * 100).toBeCloseTo(weight, 9);
      }),
    );
  });

  test('leaves every other destination its share of the requests', () => {
    fc.assert(
      fc.property(rule, percent, (rule, weight) => {
        const before = weights(rule.destinations, rule);
        const after = weights(at(weight)(rule), rule);
        const arms = ({ stable = 0, canary = 0 }) => stable + canary;
        expect(after.others * (arms(before) + before.others)).toBe(before.others * (arms(after) + after.others));
      }),
    );
  });

  test('keeps the sum of the weights where the arms have 100', () => {
    const ofHundred = rule.map((rule) => ({
      ...rule,
      destinations: rule.destinations.map((entry) => {
        const arm = kind.destinations.armOf(entry);
        return arm === undefined ? entry : { ...entry, weight: { stable: 60, canary: 40 }[arm] };
      }),
    }));
    fc.assert(
      fc.property(ofHundred, fc.integer({ min: 0, max: 100 }), (rule, weight) => {
        const sum = ({ stable = 0, canary = 0, others }: ReturnType<typeof weights>) => stable + canary + others;
        const arms = weights(rule.destinations, rule);
        fc.pre((arms.stable ?? 0) + (arms.canary ?? 0) === 100);
        expect(sum(weights(at(weight)(rule), rule))).toBe(sum(arms));
      }),
    );
  });

  test('sends the canary no less at a higher weight', () => {
    fc.assert(
      fc.property(rule, percent, percent, (rule, a, b) => {
        const share = (weight: number) => {
          const { stable = 0, canary = 0 } = weights(at(weight)(rule), rule);
          return canary / (stable + canary);
        };
        expect(share(Math.min(a, b))).toBeLessThanOrEqual(share(Math.max(a, b)));
      }),
    );
  });

  test('is written by a patch that changes weights and the canary entry and nothing else', () => {
    fc.assert(
      fc.property(routes, percent, (object, weight) => {
        const rules = managed(kind, object);
        const after = patched(object, write(kind, object, rules, found, at(weight)));
        expect(frame(kind, after)).toEqual(frame(kind, object));
        for (const rule of locateRules(kind.destinations, rules, kind.rulesOf(after)))
          expect(rule && weightShown(kind.destinations, rule, rule)).toBe(weight);
      }),
    );
  });

  test('is as found after any shifts and a restore', () => {
    fc.assert(
      fc.property(routes, fc.array(percent, { minLength: 1, maxLength: 4 }), (object, weights) => {
        const rules = managed(kind, object);
        let current = object;
        let believed: (rule: Rule) => readonly Destination[] = found;
        for (const weight of weights) {
          current = patched(current, write(kind, current, rules, believed, at(weight)));
          believed = at(weight);
        }
        expect(patched(current, write(kind, current, rules, believed, found))).toEqual(object);
      }),
    );
  });

  test('needs no write where it shows the target already', () => {
    fc.assert(
      fc.property(routes, percent, (object, weight) => {
        const rules = managed(kind, object);
        const shifted = patched(object, write(kind, object, rules, found, at(weight)));
        expect(write(kind, shifted, rules, at(weight), at(weight))).toEqual([]);
      }),
    );
  });

  test('refuses the patch when a weight of the arms was changed in between', () => {
    fc.assert(
      fc.property(routes, percent, (object, weight) => {
        const rules = managed(kind, object);
        const operations = write(kind, object, rules, found, at(weight));
        fc.pre(operations.length > 0);
        const edited = structuredClone(object);
        for (const rule of rules) {
          const index = rule.destinations.findIndex((entry) => kind.destinations.armOf(entry) === 'stable');
          const path = `${rule.pointer}/${rule.listField}/${index}/weight`;
          applyPatch(edited, [{ op: 'add', path, value: FOREIGN }]);
        }
        expect(isRefused(edited, operations)).toBe(true);
      }),
    );
  });

  test('tells a foreign weight from its own', () => {
    fc.assert(
      fc.property(rule, percent, (rule, weight) => {
        const planned = at(weight)(rule);
        const current = (destinations: readonly Destination[]): Rule => ({ ...rule, destinations });
        expect(shows(kind.destinations, rule, current(planned), planned)).toBe(true);
        const edited = planned.map((entry) =>
          kind.destinations.armOf(entry) === 'stable' ? { ...entry, weight: FOREIGN } : entry,
        );
        expect(shows(kind.destinations, rule, current(edited), planned)).toBe(false);
      }),
    );
  });
});

describe('finding rules again in a route that somebody else has changed', () => {
  const istio = kinds.find(({ name }) => name === 'istio');
  if (istio === undefined) throw new Error('no istio');
  const { destinations: kind, rulesOf } = istio;

  function virtualService(http: readonly object[]): KubernetesObject {
    return kubernetesObject.parse({
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'checkout', namespace: 'shop' },
      spec: { http },
    });
  }
  const to = (...entries: [string, number][]) =>
    entries.map(([subset, weight]) => ({ destination: { host: 'checkout', subset }, weight }));
  const places = (before: readonly object[], after: readonly object[]) =>
    locateRules(kind, rulesOf(virtualService(before)), rulesOf(virtualService(after))).map((rule) => rule?.place);

  const api = { match: [{ uri: { prefix: '/api' } }], route: to(['v1', 100]) };
  const rest = { route: to(['v1', 100]) };
  const named = { name: 'primary', route: to(['v1', 100]) };
  const inserted = { match: [{ uri: { prefix: '/new' } }], route: to(['v1', 100]) };

  test.each([
    { change: 'nothing', before: [api, rest], after: [api, rest], now: ['http[0]', 'http[1]'] },
    { change: 'a rule in front', before: [api, rest], after: [inserted, api, rest], now: ['http[1]', 'http[2]'] },
    { change: 'a rule in between', before: [api, rest], after: [api, inserted, rest], now: ['http[0]', 'http[2]'] },
    { change: 'the order', before: [api, rest], after: [rest, api], now: ['http[1]', 'http[0]'] },
    { change: 'a named rule moved', before: [named, rest], after: [rest, named], now: ['http[1]', 'http[0]'] },
    {
      change: 'the match of a named rule',
      before: [named],
      after: [inserted, { ...named, match: [{ uri: { exact: '/' } }] }],
      now: ['http[1]'],
    },
    {
      change: 'another destination',
      before: [api],
      after: [inserted, { ...api, route: [...api.route, { destination: { host: 'other' }, weight: 0 }] }],
      now: ['http[1]'],
    },
    {
      change: 'the match of the only rule that leads there',
      before: [api],
      after: [{ ...api, match: [{ uri: { prefix: '/v2' } }] }],
      now: ['http[0]'],
    },
    { change: 'a rule removed', before: [api, rest], after: [rest], now: [undefined, 'http[0]'] },
    {
      change: 'the match, and a rule that leads to the same place: no telling which is which',
      before: [api],
      after: [inserted, { ...api, match: [{ uri: { prefix: '/v2' } }] }],
      now: [undefined],
    },
    { change: 'the canary added', before: [rest], after: [{ route: to(['v1', 75], ['v2', 25]) }], now: ['http[0]'] },
  ])('$change', ({ before, after, now }) => {
    expect(places(before, after)).toEqual(now);
  });

  test('a patch made for one rule is refused by another one in its place', () => {
    const [first] = rulesOf(virtualService([api, rest]));
    if (first === undefined) throw new Error('no rule');
    const operations = transition(kind, first, first.destinations, planWeights(kind, first, 25));
    expect(isRefused(virtualService([inserted, api, rest]), operations)).toBe(true);
  });
});

describe('other destinations of a rule', () => {
  const istio = kinds.find(({ name }) => name === 'istio');
  if (istio === undefined) throw new Error('no istio');
  const { destinations: kind } = istio;
  const rule = (...weights: [where: string, weight: number][]): Rule => ({
    section: 'http',
    place: 'http[0]',
    pointer: '/spec/http/0',
    name: null,
    matchField: 'match',
    match: null,
    listField: 'route',
    destinations: weights.map(([where, weight]): Destination => {
      const destination: Destination = ['v1', 'v2'].includes(where)
        ? { host: 'checkout', subset: where }
        : { host: where };
      return { destination, weight };
    }),
  });
  const weightWrites = (operations: readonly PatchOperation[]) =>
    operations.flatMap((operation) => (operation.op === 'replace' ? [`${operation.path} ${operation.value}`] : []));

  test('keep the weight that somebody else gives them, as long as the plan does not need to scale them', () => {
    const found = rule(['v1', 100], ['v2', 0], ['legacy', 10]);
    const edited = rule(['v1', 75], ['v2', 25], ['legacy', 30]);
    const at = (weight: number) => planWeights(kind, found, weight);
    expect(shows(kind, found, edited, at(25))).toBe(true);
    expect(weightWrites(transition(kind, edited, at(25), at(50)))).toEqual([
      '/spec/http/0/route/0/weight 50',
      '/spec/http/0/route/1/weight 50',
    ]);
    expect(weightWrites(transition(kind, edited, at(25), found.destinations))).toEqual([
      '/spec/http/0/route/0/weight 100',
      '/spec/http/0/route/1/weight 0',
    ]);
  });

  test('count as changed by somebody else when they were scaled and are not what was written', () => {
    const found = rule(['v1', 90], ['v2', 0], ['legacy', 10]);
    expect(planWeights(kind, found, 25)).toEqual(rule(['v1', 135], ['v2', 45], ['legacy', 20]).destinations);
    expect(shows(kind, found, rule(['v1', 135], ['v2', 45], ['legacy', 10]), planWeights(kind, found, 25))).toBe(false);
  });

  test('a canary that somebody else adds to a rule found without one is noticed', () => {
    const found = rule(['v1', 100]);
    expect(weightShown(kind, found, rule(['v1', 100]))).toBe(0);
    expect(shows(kind, found, rule(['v1', 100], ['v2', 7]), found.destinations)).toBe(false);
    expect(weightShown(kind, found, rule(['v1', 100], ['v2', 7]))).toBeUndefined();
  });
});

describe('edits by others while a route is shifted', () => {
  const kindsWithRules = kinds.filter(({ name }) => name !== 'traefik');
  test.each(kindsWithRules)('$name: other fields, other destinations and new rules survive a restore', (kind) => {
    const routes = kind.objects.filter((object) => managed(kind, object).length > 0);
    fc.assert(
      fc.property(routes, fc.integer({ min: 1, max: 100 }), fc.boolean(), (object, weight, inFront) => {
        const rules = managed(kind, object);
        const at = (rule: Rule) => planWeights(kind.destinations, rule, weight);
        const edit = (object: KubernetesObject) => {
          const copy = structuredClone(object);
          const section = kind.name === 'istio' ? 'http' : 'rules';
          const list = kind.name === 'istio' ? 'route' : 'backendRefs';
          const entry = kind.name === 'istio' ? { destination: { host: 'new' } } : { name: 'new', port: 1 };
          applyPatch(copy, [
            { op: 'add', path: '/metadata/labels', value: { edited: 'yes' } },
            { op: 'add', path: `/spec/${section}/0/edited`, value: { by: 'somebody' } },
            { op: 'add', path: `/spec/${section}/${inFront ? 0 : '-'}`, value: { name: 'new', [list]: [entry] } },
          ]);
          return copy;
        };
        const shifted = edit(patched(object, write(kind, object, rules, found, at)));
        expect(patched(shifted, write(kind, shifted, rules, at, found))).toEqual(edit(object));
      }),
    );
  });
});
