import { SluiceError } from '../canary/errors.ts';
import { type Labels, NAME } from './selector.ts';

/** One line of a metrics endpoint. */
export interface ExposedSample {
  readonly labels: Labels;
  readonly value: number;
  /** Milliseconds since the epoch, where the endpoint says when it measured. */
  readonly at?: number;
}

/**
 * Reads what a metrics endpoint answers: the Prometheus text format 0.0.4 and OpenMetrics 1.0, told apart by the `# EOF` that
 * only OpenMetrics has (its timestamps are seconds, those of the text format milliseconds), with names quoted in the braces
 * as Prometheus 3 writes them. Lines of metrics that nobody wants are skipped unread: a gateway shows ten thousands.
 * https://prometheus.io/docs/instrumenting/exposition_formats/, https://prometheus.io/docs/specs/om/open_metrics_spec/
 *
 * @param wanted Tells by its name whether a metric is needed.
 * @throws SluiceError `bad-query` for a line that is no sample.
 */
export function parseExposition(text: string, wanted: (name: string) => boolean): ExposedSample[] {
  const timestampUnit = /(^|\n)# EOF\s*$/.test(text.slice(-20)) ? 1_000 : 1;
  const samples: ExposedSample[] = [];
  let start = 0;
  while (start < text.length) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    const name = nameAt(text, start);
    if (name === '{' || (name !== '' && wanted(name))) {
      const sample = parseLine(text.slice(start, end), timestampUnit);
      if (wanted(sample.labels[NAME] ?? '')) samples.push(sample);
    } else if (name === '' && !isBlankOrComment(text.slice(start, end))) {
      throw malformed(text.slice(start, end));
    }
    start = end + 1;
  }
  return samples;
}

const nameStart = /[a-zA-Z_:][\w:]*|\{/y;

/** The metric's name that begins here; `{` where it is quoted in the braces, empty where none begins. */
function nameAt(text: string, start: number): string {
  nameStart.lastIndex = start;
  return nameStart.exec(text)?.[0] ?? '';
}

function isBlankOrComment(line: string): boolean {
  return line.startsWith('#') || line.trim() === '';
}

const quoted = String.raw`"(?:[^"\\]|\\.)*"`;
const pair = new RegExp(String.raw`\s*(?:(?:([a-zA-Z_]\w*)|(${quoted}))\s*=\s*)?(${quoted})\s*(?:,|(?=\}))`, 'y');
/** Value, timestamp, and the exemplar that OpenMetrics may add. */
const rest = /^[ \t]+([^\s{#]+)(?:[ \t]+([+-]?[\d.eE+-]+))?[ \t]*(?:# \{.*)?\r?$/;
const number = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

function parseLine(line: string, timestampUnit: number): ExposedSample {
  const labels: Record<string, string> = {};
  let position = 0;
  const name = nameAt(line, 0);
  if (name !== '{') {
    labels[NAME] = name;
    position = name.length;
    while (line[position] === ' ' && line[position + 1] === '{') position += 1;
  }
  if (line[position] === '{') {
    position += 1;
    while (line[position] !== '}') {
      pair.lastIndex = position;
      const [all, plain, quotedName, value] = pair.exec(line) ?? [];
      if (all === undefined || value === undefined) throw malformed(line);
      labels[plain ?? (quotedName === undefined ? NAME : unquote(quotedName))] = unquote(value);
      position += all.length;
    }
    position += 1;
  }
  const [, value, timestamp] = rest.exec(line.slice(position)) ?? [];
  if (value === undefined || labels[NAME] === undefined) throw malformed(line);
  return {
    labels,
    value: parseValue(value, line),
    ...(timestamp !== undefined && { at: Math.round(parseValue(timestamp, line) * timestampUnit) }),
  };
}

function parseValue(text: string, line: string): number {
  if (number.test(text)) return Number(text);
  switch (text.toLowerCase()) {
    case 'nan':
      return Number.NaN;
    case 'inf':
    case '+inf':
      return Number.POSITIVE_INFINITY;
    case '-inf':
      return Number.NEGATIVE_INFINITY;
    default:
      throw malformed(line);
  }
}

function unquote(literal: string): string {
  return literal.slice(1, -1).replace(/\\([\\"n])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
}

function malformed(line: string): SluiceError {
  return new SluiceError('bad-query', {
    about: 'metrics endpoint',
    problem: `shows a line that is no sample of the Prometheus text format: ${line.slice(0, 120)}`,
    next: 'Check the port and the path of the metrics.',
  });
}
