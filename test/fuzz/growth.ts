import { isSluiceError } from '../../src/core/errors.ts';
import type { Reader } from './reader.ts';

/** Characters of a worst case, and four times as many: 50,000. */
const ONCE = 12_500;
const FOUR_TIMES = 4 * ONCE;
const MOST_GROWTH = 6;

/** Milliseconds of processor time below which nothing is compared: noise is as large, and nobody waits for it. */
const NOISE = 40;

/** What is repeated to the length of a worst case: what regular expressions and parsers begin anew at. */
const pieces = [
  ' ',
  '\t',
  '\n',
  '\r',
  '\r\n',
  '\0',
  '\u0085',
  '\ufeff',
  'a',
  'a ',
  'a\n',
  '1',
  '1 ',
  '9',
  '"',
  '\\',
  '\\"',
  '"a" ',
  "'",
  '`',
  '#',
  '# ',
  ':',
  ': ',
  'a:',
  'a: ',
  '- ',
  '- a\n',
  '---\n',
  '--',
  '-',
  '.',
  '..',
  '/',
  '../',
  '/a',
  '@',
  '=',
  'a=',
  'a=b,',
  'a=b\n',
  ',',
  ',a',
  ';',
  '|',
  'a|',
  '*',
  '*a',
  '**/',
  '?',
  '+',
  '(',
  ')',
  '()',
  '(a',
  '[',
  ']',
  '[]',
  '[a',
  '{',
  '}',
  '{}',
  '{a',
  '${',
  '${a',
  '${a:-',
  '$a',
  '%',
  '%2e',
  '&a ',
  '*a ',
  '<',
  '>',
  '<a>',
  '<<',
  '<<a ',
  '![a](',
  '\u001b[',
  '\u001b]',
  '##[',
  '::',
  'https://',
  'https://a ',
  'A',
  'sha256:',
  'FROM a\n',
  'RUN --a ',
  'ARG a=$a\n',
  'kind: ',
  'steps: ',
  'Invalid value: {',
  'hook a ',
  'job ',
  'conflict with "',
  'code = a desc = ',
  'Failed to pull image "',
  '&value.valueUnstructured{Value:',
  'failed to create typed patch object (',
  'resource ',
  'chart "',
  'rel=',
  '<a>;',
  'Bearer a=',
  'a="',
  '5 for 2m, ',
  '{"a":',
  '[1,',
  '"a":1,',
  'x{a="b"} 1\n',
  'sum(',
  'a + ',
  '\u{1f600}',
  '\ud800',
];

/** What takes a reader of texts more than six times as long at four times the text, a sentence each. */
export async function measureGrowth({ read }: Reader, seed: number, seen: () => void): Promise<string[]> {
  const slow: string[] = [];
  // A third of them each time: three seeds that follow one another see all.
  for (const piece of pieces.filter((_, index) => index % 3 === seed % 3)) {
    for (const shape of shapes) {
      const [once, fourTimes] = await compare(read, piece, shape);
      seen();
      if (fourTimes <= once * MOST_GROWTH) continue;
      const times = `${Math.round(once)} ms at ${ONCE} characters, ${Math.round(fourTimes)} ms at ${FOUR_TIMES}`;
      slow.push(`${JSON.stringify(piece)} again and again, ${shape.name}: ${times}`);
    }
  }
  return slow;
}

interface Shape {
  readonly name: string;
  readonly of: (repeated: string) => string;
}

/** Where the repetition stands: what follows it decides whether an expression goes back. */
const shapes: readonly Shape[] = [
  { name: 'alone', of: (repeated) => repeated },
  { name: 'between two letters', of: (repeated) => `x${repeated}\u0000!` },
];

async function compare(read: Reader['read'], piece: string, { of }: Shape): Promise<[number, number]> {
  const text = (length: number) => of(piece.repeat(Math.ceil(length / piece.length)).slice(0, length));
  const bestOf = async (length: number, times: number) => {
    let best = Number.POSITIVE_INFINITY;
    for (let count = 0; count < times; count += 1) best = Math.min(best, await timeOf(read, text(length)));
    return best;
  };
  const fourTimes = await bestOf(FOUR_TIMES, 1);
  if (fourTimes <= NOISE) return [NOISE, fourTimes];
  const once = await bestOf(ONCE, 1);
  // What else runs on the machine only adds: a second look is taken where the first one is bad.
  if (fourTimes <= once * MOST_GROWTH) return [once, fourTimes];
  return [Math.max(await bestOf(ONCE, 3), NOISE / MOST_GROWTH), Math.min(fourTimes, await bestOf(FOUR_TIMES, 2))];
}

/** Milliseconds of processor time. */
async function timeOf(read: Reader['read'], text: string): Promise<number> {
  const begun = process.threadCpuUsage();
  try {
    await read(text);
  } catch (error) {
    if (!isSluiceError(error)) throw error;
  }
  const { user, system } = process.threadCpuUsage(begun);
  return (user + system) / 1_000;
}
