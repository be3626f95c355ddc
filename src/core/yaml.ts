import { randomUUID } from 'node:crypto';
import { type EventType, FAILSAFE_SCHEMA, loadAll, type State, Type } from 'js-yaml';
import * as z from 'zod';
import { wholeNumber } from './json.ts';

/**
 * YAML as kubectl and Helm read it: sigs.k8s.io/yaml on go-yaml 2. Its scalars are those of YAML 1.1 (`yes`, `0644`), without
 * times and sexagesimal numbers. Custom tags are ignored. If a key is repeated, also by a merge (`<<`), the last one counts,
 * unlike in go-yaml 3. The content of quotes or brackets need not be indented.
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

/** The value of an unquoted scalar; undefined for a text. */
function plainValue(source: string): boolean | null | number | bigint | undefined {
  if (words.has(source)) return words.get(source);
  if (!/^[-+.0-9]/.test(source) || dateForm.test(source)) return undefined;
  // A number that begins with its decimal point may not have underscores.
  const digits = source.startsWith('.') ? source : source.replaceAll('_', '');
  const [, sign, magnitude] = wholeForm.exec(digits) ?? [];
  if (magnitude !== undefined) return signed(sign === '-', magnitude);
  const value = floatForm.test(digits) ? Number(digits) : Number.NaN;
  return Number.isFinite(value) ? value : undefined;
}

function signed(isNegative: boolean, magnitude: string): number | bigint {
  const digits = /^0[0-7]/.test(magnitude) ? `0o${magnitude.slice(1)}` : magnitude;
  const value = wholeNumber(isNegative ? String(-BigInt(digits)) : digits);
  // -0 becomes 0, since comparisons distinguish the two.
  return value === 0 ? 0 : value;
}

/**
 * A scalar of the file. js-yaml converts keys to property names: each gets a unique one, so that the order and number of keys
 * are kept.
 */
class Scalar {
  static #mark = randomUUID();
  static #count = 0;

  readonly source: string;
  /** True if it has no quotes. */
  readonly isPlain: boolean;

  constructor(source: string, isPlain: boolean) {
    this.source = source;
    this.isPlain = isPlain;
  }

  /** The property name, if the scalar is a key. */
  toString(): string {
    Scalar.#count += 1;
    return [Scalar.#mark, Scalar.#count, this.isPlain, this.source].join(' ');
  }

  /** Without this tag, js-yaml does not call an object's `toString`. */
  get [Symbol.toStringTag](): string {
    return 'Scalar';
  }

  get value(): unknown {
    const value = this.isPlain ? plainValue(this.source) : undefined;
    return value === undefined ? this.source : value;
  }

  get isMerge(): boolean {
    return this.isPlain && this.source === '<<';
  }

  /** The key that a property name was made of. */
  static named(name: string): Scalar {
    const [mark, , isPlain, ...source] = name.split(' ');
    if (mark === Scalar.#mark) return new Scalar(source.join(' '), isPlain === 'true');
    // Any other key is a mapping, or not a scalar at all.
    throw new Error(
      'a key is no text: one that begins with a brace, such as a template that was not rendered, needs quotes',
    );
  }
}

const construct = (source: unknown) => new Scalar(String(source ?? ''), true);
const plainTag = new Type('tag:sluice.dev:plain', { kind: 'scalar', construct });
const namedTags = ['int', 'float', 'bool', 'null'].map(
  (name) =>
    new Type(`tag:yaml.org,2002:${name}`, {
      kind: 'scalar',
      resolve: (source: unknown) => source === null || plainValue(String(source)) !== undefined,
      construct,
    }),
);
const base64 = z.base64();
const binaryTag = new Type('tag:yaml.org,2002:binary', {
  kind: 'scalar',
  resolve: (source: unknown) => base64.safeParse(String(source ?? '').replaceAll('\n', '')).success,
  construct: (source: unknown) => Buffer.from(String(source ?? ''), 'base64').toString(),
});

/** Tags are ignored: their nodes are read as if they had none. */
const foreignTags = ['!', 'tag:'].flatMap((prefix) =>
  (['scalar', 'sequence', 'mapping'] as const).map((kind) => new Type(prefix, { kind, multi: true })),
);

const schema = FAILSAFE_SCHEMA.extend({
  implicit: [plainTag],
  explicit: [...namedTags, binaryTag, ...foreignTags],
});

/**
 * The documents of a text, without empty ones. Whole numbers of more than 53 bits are `bigint`.
 *
 * @throws Error with the problem and its position
 */
export function readYaml(text: string): unknown[] {
  try {
    const documents = loadAll(text, null, { schema, json: true, listener }).map((document) => createReader()(document));
    for (const document of documents) refuseExplosion(document);
    return documents.filter((document) => document !== null && document !== undefined);
  } catch (error) {
    throw error instanceof RangeError ? new Error('it is nested too deeply') : error;
  }
}

/** js-yaml has no type of its own for quoted scalars. */
function listener(event: EventType, state: State): void {
  if (event === 'close' && typeof state.result === 'string') state.result = new Scalar(state.result, false);
}

/** Converts js-yaml's nodes to values. A node with several aliases is converted once. */
function createReader(): (node: unknown) => unknown {
  const known = new Map<object, unknown>();
  const unfinished = Symbol('unfinished');

  function read(node: unknown): unknown {
    if (node instanceof Scalar) return node.value;
    if (typeof node !== 'object' || node === null) return node;
    if (known.get(node) === unfinished) throw new Error(EXPLOSION);
    if (known.has(node)) return known.get(node);
    known.set(node, unfinished);
    const value = Array.isArray(node) ? node.map(read) : readMapping(node);
    known.set(node, value);
    return value;
  }

  /** Merged keys (`<<`) count where they are written: they overwrite keys before them, and keys after them overwrite theirs. */
  function readMapping(node: object): object {
    const entries = Object.entries(node).flatMap(([name, part]) => {
      const key = Scalar.named(name);
      const value = read(part);
      return key.isMerge ? mergedEntries(value) : [[keyOf(key), value] as const];
    });
    return Object.fromEntries(entries);
  }

  return read;
}

function keyOf({ value }: Scalar): string {
  if (value === null) throw new Error('a key is empty or null, which no text is');
  return String(value);
}

/** If several mappings are merged at once, the first one wins. */
function mergedEntries(value: unknown): [string, unknown][] {
  const sources: unknown[] = Array.isArray(value) ? value : [value];
  return sources.toReversed().flatMap((source) => {
    if (typeof source === 'object' && source !== null && !Array.isArray(source)) return Object.entries(source);
    throw new Error('"<<" takes a mapping, or a list of mappings');
  });
}

/**
 * The most values after the expansion of aliases: go-yaml allows as many in any file, and more if the file writes most of them
 * out.
 */
const MOST_VALUES = 400_000;
const MOST_COPIES = 10;
const EXPLOSION = 'its aliases stand for more values than can be read';

/** A few lines of aliases can expand to more values than fit into the memory. */
function refuseExplosion(document: unknown): void {
  const sizes = new Map<object, number>();
  let written = 0;

  function sizeOf(value: unknown): number {
    written += 1;
    if (typeof value !== 'object' || value === null) return 1;
    const known = sizes.get(value);
    if (known !== undefined) return known;
    const size = Object.values(value).reduce<number>((sum, part) => sum + sizeOf(part), 1);
    sizes.set(value, size);
    return size;
  }

  const size = sizeOf(document);
  if (size > MOST_VALUES && size > MOST_COPIES * written) {
    throw new Error(EXPLOSION);
  }
}
