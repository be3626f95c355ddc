import { seeded } from '../../src/judge/random.ts';
import type { EmbeddedCluster } from './embedded-cluster.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** One edit of a record: its place and kind, and the edited text. */
export interface Edit {
  readonly what: string;
  text(): string;
}

/** A placeholder for lists nested too deeply for any reader. */
const NESTED = 'lists in lists';
const nested = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;

/** Replacements for a text: others' names, other places, invalid names. */
const texts: readonly Json[] = [
  'payments',
  'kube-system',
  'Secret',
  'ClusterRoleBinding',
  'v1',
  'evil.example/miner:1',
  'registry.example/checkout:0',
  'promoting',
  'returning',
  'undoing',
  '../../../../kube-system/secrets/db',
  'a=b,app=payments',
  '',
  7,
  null,
  [],
  {},
];
const numbers: readonly Json[] = [0, 1, 100, -1, 0.5, 5_000, 2 ** 31, 1e308, '7', null, [], {}];

/** Objects that no rollout creates. */
const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pwn-canary', namespace: 'kube-system' }, spec: {} };

/** Every edit of one place in a document: another value, another type, removal, and an addition. */
export function editsOf(document: Json): Edit[] {
  return placesOf(document, []).flatMap((path) => {
    const value = at(document, path);
    const name = path.join('.');
    const others = [
      ...(typeof value === 'number' ? numbers : texts),
      ...(typeof value === 'boolean' ? [!value] : []),
      ...(Array.isArray(value) ? [[], [...value, ...value], [pod], NESTED] : []),
    ];
    const changed = others.map((other) => ({
      what: `${name} = ${JSON.stringify(other).slice(0, 60)}`,
      text: () => JSON.stringify(withValue(document, path, other)).replaceAll(JSON.stringify(NESTED), nested),
    }));
    const removed = { what: `${name} is gone`, text: () => JSON.stringify(withValue(document, path, undefined)) };
    return [...changed, removed];
  });
}

/** This many of the items; the same ones for the same seed. */
export function someOf<T>(all: readonly T[], many: number, seed: number): T[] {
  const random = seeded(seed);
  return all
    .map((each) => ({ each, order: random() }))
    .sort((a, b) => a.order - b.order)
    .slice(0, many)
    .map(({ each }) => each);
}

function placesOf(value: Json, path: readonly string[]): string[][] {
  const own = path.length === 0 ? [] : [[...path]];
  if (typeof value !== 'object' || value === null) return own;
  return [...own, ...Object.entries(value).flatMap(([key, part]) => placesOf(part, [...path, key]))];
}

function at(value: Json, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>(
    (part, key) =>
      typeof part === 'object' && part !== null ? Object.entries(part).find(([name]) => name === key)?.[1] : undefined,
    value,
  );
}

function withValue(value: Json, [key, ...rest]: readonly string[], wanted: Json | undefined): Json {
  if (key === undefined || typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).flatMap(([name, part]): [string, Json][] => {
    if (name !== key) return [[name, part]];
    if (rest.length > 0) return [[name, withValue(part, rest, wanted)]];
    return wanted === undefined ? [] : [[name, wanted]];
  });
  return Array.isArray(value) ? entries.map(([, part]) => part) : Object.fromEntries(entries);
}

type AuditEntry = EmbeddedCluster['api']['audit'][number];

/** The writes since an entry of the audit log to anything that the run may not write; reviews of rights change nothing. */
export function foreignWrites({ api }: EmbeddedCluster, from: number, isOwn: (entry: AuditEntry) => boolean): string[] {
  return api.audit
    .slice(from)
    .filter(({ verb, dryRun }) => !dryRun && /^(create|update|patch|delete|deletecollection)$/.test(verb))
    .filter(({ resource }) => !/review/.test(resource))
    .filter((entry) => !isOwn(entry))
    .map(({ verb, resource, namespace, name }) => `${verb} ${resource} ${namespace}/${name}`);
}
