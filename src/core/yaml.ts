import { FAILSAFE_SCHEMA, loadAll, Type } from 'js-yaml';
import { wholeNumber } from './json.ts';

/**
 * YAML as kubectl and Helm read it: sigs.k8s.io/yaml on go-yaml 2. Its scalars are those of YAML 1.1 (`yes`, `0644`), without
 * times and sexagesimal numbers; tags of its own it passes over; of a key that stands twice, the last one counts. What a
 * quote or bracket encloses need not be indented.
 */
const words = new Map<string, boolean | null | number>([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map((word) => [word, true] as const),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map((word) => [word, false] as const),
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['.nan', '.NaN', '.NAN'].map((word) => [word, Number.NaN] as const),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map((word) => [word, Number.POSITIVE_INFINITY] as const),
  ...['-.inf', '-.Inf', '-.INF'].map((word) => [word, Number.NEGATIVE_INFINITY] as const),
]);

const wholeForm = /^([-+]?)(0x[0-9a-f]+|0o?[0-7]+|0b[01]+|0|[1-9][0-9]*)$/i;
const floatForm = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
const dateForm = /^\d{4}-\d/;

/** What an unquoted scalar stands for; undefined for a text. */
function plainValue(source: string): boolean | null | number | bigint | undefined {
  if (words.has(source)) return words.get(source);
  if (!/^[-+.0-9]/.test(source) || dateForm.test(source)) return undefined;
  // A fraction without a digit before its point takes no underscores.
  const digits = source.startsWith('.') ? source : source.replaceAll('_', '');
  const [, sign, magnitude] = wholeForm.exec(digits) ?? [];
  if (magnitude !== undefined) return signed(sign === '-', magnitude);
  const value = floatForm.test(digits) ? Number(digits) : Number.NaN;
  return Number.isFinite(value) ? value : undefined;
}

function signed(isNegative: boolean, magnitude: string): number | bigint {
  const digits = /^0[0-7]/.test(magnitude) ? `0o${magnitude.slice(1)}` : magnitude;
  const value = wholeNumber(isNegative ? String(-BigInt(digits)) : digits);
  // Not -0, which is another value to a comparison.
  return value === 0 ? 0 : value;
}

const isPlain = (source: unknown) =>
  source === null || (typeof source === 'string' && plainValue(source) !== undefined);
const constructPlain = (source: unknown) => (typeof source === 'string' ? (plainValue(source) ?? null) : null);

/** The scalars that need no tag, all in one: which of them one is shows by its text. */
const plainTag = new Type('tag:yaml.org,2002:float', { kind: 'scalar', resolve: isPlain, construct: constructPlain });
const namedTags = ['int', 'bool', 'null'].map(
  (name) => new Type(`tag:yaml.org,2002:${name}`, { kind: 'scalar', resolve: isPlain, construct: constructPlain }),
);
const mergeTag = new Type('tag:yaml.org,2002:merge', { kind: 'scalar', resolve: (source) => source === '<<' });
const binaryTag = new Type('tag:yaml.org,2002:binary', {
  kind: 'scalar',
  construct: (source: unknown) => Buffer.from(String(source ?? ''), 'base64').toString(),
});

/** Tags of others mean nothing: what they stand before is read as if they were not there. */
const foreignTags = ['!', 'tag:'].flatMap((prefix) =>
  (['scalar', 'sequence', 'mapping'] as const).map((kind) => new Type(prefix, { kind, multi: true })),
);

const schema = FAILSAFE_SCHEMA.extend({
  implicit: [plainTag, mergeTag],
  explicit: [...namedTags, binaryTag, ...foreignTags],
});

/**
 * The documents of a text; empty ones are left out. Whole numbers of more than 53 bits are `bigint`.
 *
 * @throws Error that says what is wrong and where
 */
export function readYaml(text: string): unknown[] {
  const documents = loadAll(text, null, { schema, json: true });
  for (const document of documents) refuseExplosion(document);
  return documents.filter((document) => document !== null && document !== undefined);
}

/** Values that may come of aliases: go-yaml takes so many of any file, and more of one that has written most of them out. */
const MOST_VALUES = 400_000;
const MOST_COPIES = 10;

/** A few lines of aliases can stand for more values than fit into any memory. */
function refuseExplosion(document: unknown): void {
  const sizes = new Map<object, number>();
  let written = 0;

  function sizeOf(value: unknown): number {
    written += 1;
    if (typeof value !== 'object' || value === null) return 1;
    const known = sizes.get(value);
    if (known !== undefined) return known;
    // Until it is known: an anchor that contains itself has no end.
    sizes.set(value, Number.POSITIVE_INFINITY);
    const size = Object.values(value).reduce<number>((sum, part) => sum + sizeOf(part), 1);
    sizes.set(value, size);
    return size;
  }

  const size = sizeOf(document);
  if (size > MOST_VALUES && size > MOST_COPIES * written) {
    throw new Error('its aliases stand for more values than can be read');
  }
}
