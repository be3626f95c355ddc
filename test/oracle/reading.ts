import { isDeepStrictEqual } from 'node:util';
import { execa } from 'execa';
import { isRecord } from '../../lab/embedded/api-server/objects.ts';
import { documentsIn } from '../../src/apply/documents.ts';
import { parseManifests } from '../../src/apply/objects.ts';
import { messageOf } from '../../src/core/errors.ts';
import { parseJson } from '../../src/core/json.ts';

/** Marks what kubectl has read: it has to change something to print it. */
const MARK = 'sluice.dev/oracle';

/** What a reader makes of a text. */
export type Reading = { readonly objects: readonly unknown[] } | { readonly refused: string };

/** What kubectl makes of a text, without a cluster: `kubectl label --local` knows no kinds and checks nothing else. */
export async function kubectlReads(text: string): Promise<Reading> {
  const args = ['label', '--local', '-f', '-', '-o', 'json', `${MARK}=1`];
  const ended = await execa('kubectl', args, { input: text, reject: false, env: { KUBECONFIG: '/dev/null' } });
  if (ended.exitCode !== 0 && !/no objects passed/.test(ended.stderr)) return { refused: ended.stderr.trim() };
  const printed = documentsIn({ name: 'kubectl', text: ended.stdout }).flatMap(({ values }) => values);
  if (!printed.every(isNamed))
    return { refused: 'It holds what has no name: a configuration of a program, and no object of a cluster.' };
  return { objects: printed.flatMap((value) => normal(value, true)) };
}

function isNamed(value: unknown): boolean {
  return isRecord(value) && isRecord(value.metadata) && typeof value.metadata.name === 'string';
}

/** What Sluice makes of it. */
export function sluiceReads(text: string): Reading {
  try {
    return { objects: parseManifests([{ name: 'input', text }]).flatMap(({ manifest }) => normal(manifest, false)) };
  } catch (error) {
    return { refused: messageOf(error) };
  }
}

/** Without the mark, and without what says nothing: fields of the metadata that are empty. */
function normal(value: unknown, isMarked: boolean): unknown[] {
  if (!isRecord(value) || !isRecord(value.metadata)) return [value];
  const { labels, annotations, namespace, ...metadata } = value.metadata;
  const own = isRecord(labels) ? Object.entries(labels).filter(([key]) => !(isMarked && key === MARK)) : [];
  return [
    {
      ...value,
      metadata: {
        ...metadata,
        ...(typeof namespace === 'string' && namespace !== '' && { namespace }),
        ...texts('labels', Object.fromEntries(own)),
        ...texts('annotations', annotations),
      },
    },
  ];
}

function texts(field: string, values: unknown): object {
  if (!isRecord(values) || Object.keys(values).length === 0) return {};
  return { [field]: Object.fromEntries(Object.entries(values).map(([key, value]) => [key, value ?? ''])) };
}

/** How two readings differ; undefined where they do not. */
export function difference(ours: Reading, theirs: Reading): string | undefined {
  if ('refused' in theirs) return undefined;
  if ('refused' in ours) return `Sluice refuses it: ${ours.refused}`;
  const [one, other] = [ours.objects, theirs.objects].map((objects) => objects.map(canonical));
  if (isDeepStrictEqual(one, other)) return undefined;
  if (one?.length !== other?.length) return `Sluice reads ${one?.length} objects, and kubectl ${other?.length}`;
  const index = one?.findIndex((object, at) => !isDeepStrictEqual(object, other?.[at])) ?? 0;
  return `object ${index + 1}: ${show(one?.[index])} and not ${show(other?.[index])}`;
}

/** Fields in one order, and without those that are undefined. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (!isRecord(value)) return Object.is(value, -0) ? 0 : value;
  const fields = Object.entries(value).filter(([, part]) => part !== undefined);
  return Object.fromEntries(
    fields.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, part]) => [key, canonical(part)]),
  );
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)).slice(0, 400);
}

/** Objects as a file of the oracle keeps them. */
export function parseExpected(json: string): readonly unknown[] {
  const parsed = parseJson(json);
  return Array.isArray(parsed) ? parsed : [];
}
