import { SluiceError } from '../../core/errors.ts';

/** One value of a setting. A value that is no text is true, false, null or a whole number. */
interface Scalar {
  readonly text: string;
  readonly isText: boolean;
}

/** What a setting assigns to one key. */
export interface Assignment {
  /** The key as it is written: `a.b\.c[0]`. */
  readonly key: string;
  /** The names and list indexes in the key. */
  readonly path: readonly (string | number)[];
  readonly value: Scalar | readonly Scalar[];
}

/**
 * Reads a line of settings as Helm reads that of `--set`, or of `--set-string`.
 * https://github.com/helm/helm/blob/main/pkg/strvals/parser.go
 *
 * @throws SluiceError `invalid-input` that quotes no value
 */
export function readSettings(line: string, as: 'set' | 'set-string'): Assignment[] {
  const scanner = createScanner(line);
  const assignments: Assignment[] = [];
  while (!scanner.isAtEnd()) {
    const begin = scanner.at();
    const path = readPath(scanner, as);
    if (!path) break;
    const key = line.slice(begin, scanner.at() - 1);
    assignments.push({ key, path, value: readValue(scanner, as) });
  }
  return assignments;
}

/** The steps of a key, up to its `=`; undefined where the line ends before another key begins. */
function readPath(scanner: Scanner, as: string): (string | number)[] | undefined {
  const path: (string | number)[] = [];
  for (;;) {
    const { text, stop } = scanner.until('=[,.');
    if (stop === undefined && text === '') return undefined;
    if (stop === undefined || stop === ',') throw refused(as, `the key "${text}" has no value`);
    if (text === '') throw refused(as, 'a key has no name');
    path.push(text);
    let last = stop;
    while (last === '[') {
      path.push(readIndex(scanner, as));
      const after = scanner.until('[.=');
      if (after.text !== '' || after.stop === undefined)
        throw refused(as, `the place in the list "${text}" has no value`);
      last = after.stop;
    }
    if (last === '=') return path;
  }
}

/** Helm refuses a larger list index. */
const LARGEST_INDEX = 65_536;

function readIndex(scanner: Scanner, as: string): number {
  const { text, stop } = scanner.until(']');
  if (stop === undefined || !/^\+?\d+$/.test(text) || Number(text) > LARGEST_INDEX)
    throw refused(as, 'a place in a list is no whole number in brackets');
  return Number(text);
}

function readValue(scanner: Scanner, as: 'set' | 'set-string'): Assignment['value'] {
  if (!scanner.skip('{')) return scalarOf(scanner.until(',').text, as);
  const items: Scalar[] = [];
  for (;;) {
    const { text, stop } = scanner.until(',}');
    if (stop === undefined) throw refused(as, 'a list does not end with "}"');
    items.push(scalarOf(text, as));
    if (stop === ',') continue;
    scanner.skip(',');
    return items;
  }
}

/** Helm reads a text as a whole number if it fits 64 bits and does not begin with a zero. */
function scalarOf(text: string, as: 'set' | 'set-string'): Scalar {
  if (as === 'set-string') return { text, isText: true };
  const isNumber = text === '0' || (/^[-+]?\d{1,19}$/.test(text) && !text.startsWith('0') && has64Bits(text));
  return { text, isText: !isNumber && !/^(?:true|false|null)$/i.test(text) };
}

function has64Bits(digits: string): boolean {
  const value = BigInt(digits.replace('+', ''));
  return value === BigInt.asIntN(64, value);
}

type Scanner = ReturnType<typeof createScanner>;

/** Reads a line character by character; a backslash makes the next character literal. */
function createScanner(line: string) {
  let position = 0;
  return {
    at: () => position,
    isAtEnd: () => position >= line.length,
    /** Skips a character if it is the next one. */
    skip(character: string): boolean {
      if (line[position] !== character) return false;
      position += 1;
      return true;
    },
    /** The text before the first of these characters, which is skipped; `stop` is undefined at the end of the line. */
    until(stops: string): { readonly text: string; readonly stop: string | undefined } {
      let text = '';
      while (position < line.length) {
        const character = line[position] ?? '';
        position += 1;
        if (stops.includes(character)) return { text, stop: character };
        if (character !== '\\') text += character;
        else {
          text += line[position] ?? '';
          position += 1;
        }
      }
      return { text, stop: undefined };
    },
  };
}

function refused(input: string, problem: string): SluiceError {
  return new SluiceError('invalid-input', {
    about: `input "${input}"`,
    problem: `can't be read as Helm does: ${problem}.`,
    next: 'Write KEY=VALUE, with a backslash before a comma that belongs to the value.',
  });
}

/**
 * The assignments that are left after all were made in order, without those that a later one overwrites. They can then be made
 * in any order.
 *
 * @throws SluiceError `invalid-input` where a later assignment builds on the result of an earlier one
 */
export function settled(assignments: readonly Assignment[]): Assignment[] {
  let left: Assignment[] = [];
  for (const next of assignments) {
    left = left.filter(({ path }) => !leadsThrough(path, next.path));
    const above = left.find(({ path }) => leadsThrough(next.path, path));
    const list = above && withItem(above, next);
    if (list) left = left.map((each) => (each === above ? list : each));
    else if (above && hasText(above) && !hasText(next)) {
      throw refused('set', `"${above.key}" is given a value, and "${next.key}" something within it`);
    }
    const isItem = list && next.path.length === list.path.length + 1 && 'text' in next.value;
    if (!isItem) left.push(next);
  }
  return left;
}

function leadsThrough(path: Assignment['path'], other: Assignment['path']): boolean {
  return other.every((step, index) => path[index] === step);
}

const nothing: Scalar = { text: 'null', isText: false };

/**
 * A list with another value at one index, or null there where the value has parts of its own; undefined where it is no list.
 */
function withItem(list: Assignment, { path, value }: Assignment): Assignment | undefined {
  const place = path[list.path.length];
  if ('text' in list.value || typeof place !== 'number') return undefined;
  const items: Scalar[] = [...list.value];
  while (items.length < place) items.push(nothing);
  items[place] = path.length === list.path.length + 1 && 'text' in value ? value : nothing;
  return { ...list, value: items };
}

function hasText({ value }: Pick<Assignment, 'value'>): boolean {
  return 'text' in value ? value.isText : value.some(({ isText }) => isText);
}
