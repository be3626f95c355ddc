import { SluiceError } from '../../core/errors.ts';
import { excerpt } from '../../core/text.ts';
import { NAME } from '../series/selector.ts';
import { type ExposedSample, readSample } from './sample-line.ts';

/**
 * Parses the answer of a metrics endpoint: the Prometheus text format 0.0.4 or OpenMetrics 1.0, also with quoted names in the
 * braces as Prometheus 3 writes them. Only OpenMetrics has `# EOF`; its timestamps are seconds, those of the text format
 * milliseconds. Lines of unwanted metrics are skipped unparsed, as a gateway has tens of thousands.
 * https://prometheus.io/docs/instrumenting/exposition_formats/, https://prometheus.io/docs/specs/om/open_metrics_spec/
 *
 * @param wanted Tells by its name whether a metric is needed.
 * @param tell Receives notes on unreadable lines that belong to no wanted metric: `shows 2 lines that …`.
 * @throws SluiceError `bad-query` for an unreadable line that may belong to a wanted metric, and for a page without metrics.
 */
export function parseExposition(
  text: string,
  wanted: (name: string) => boolean,
  tell?: (problem: string) => void,
): ExposedSample[] {
  const timestampUnit = endsAsOpenMetrics(text) ? 1_000 : 1;
  const samples: ExposedSample[] = [];
  const unread: string[] = [];
  for (const line of linesOf(text)) {
    const start = startOf(line);
    if (start === '' || start === '#' || (start !== '{' && isName(start) && !wanted(start))) continue;
    const sample = readSample(line, timestampUnit);
    if (sample === undefined) {
      if (mayBelong(line, wanted)) throw isMetricsPage(text) ? malformed(line) : noMetrics(text);
      unread.push(line);
    } else if (wanted(sample.labels[NAME] ?? '')) {
      samples.push(sample);
    }
  }
  if (samples.length === 0 && !isMetricsPage(text)) throw noMetrics(text);
  if (unread[0] !== undefined) {
    const count = unread.length === 1 ? 'a line that is no sample' : `${unread.length} lines that are no samples`;
    tell?.(`shows ${count} of the Prometheus text format: ${shown(unread[0])}`);
  }
  return samples;
}

function endsAsOpenMetrics(text: string): boolean {
  const end = text.trimEnd();
  return end === '# EOF' || end.endsWith('\n# EOF');
}

function* linesOf(text: string): Generator<string> {
  let start = 0;
  while (start < text.length) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    yield text.slice(start, end);
    start = end + 1;
  }
}

const firstToken = /[a-zA-Z_:][\w:]*|\S/g;

/** The metric's name at the beginning of a line, or its first non-blank character; empty for a blank line. */
function startOf(line: string): string {
  firstToken.lastIndex = 0;
  return firstToken.exec(line)?.[0] ?? '';
}

function isName(token: string): boolean {
  return /^[a-zA-Z_:]/.test(token);
}

/** Whether an unreadable line may belong to a wanted metric: it has such a name anywhere, or its name is within braces. */
function mayBelong(line: string, wanted: (name: string) => boolean): boolean {
  return startOf(line) === '{' || line.matchAll(/[a-zA-Z_:][\w:]*/g).some(([name]) => wanted(name));
}

/** Whether a page has a sample of any metric. A page of only comments and blank lines also counts, as one without metrics yet. */
function isMetricsPage(text: string): boolean {
  const others = linesOf(text).filter((line) => !['', '#'].includes(startOf(line)));
  const { value: first } = others.next();
  return (
    first === undefined ||
    readSample(first, 1) !== undefined ||
    others.some((line) => readSample(line, 1) !== undefined)
  );
}

function shown(line: string): string {
  return excerpt(line, 120);
}

function malformed(line: string): SluiceError {
  return new SluiceError('bad-query', {
    about: 'metrics endpoint',
    problem: `shows a line that is no sample of the Prometheus text format: ${shown(line)}`,
    next: 'Check the port and the path of the metrics.',
  });
}

/** A page that is not metrics is not quoted: it may be anything, from anywhere. */
function noMetrics(text: string): SluiceError {
  const start = text.slice(0, 1_000).trimStart();
  const kind = start.startsWith('<') ? 'HTML' : /^[[{]/.test(start) ? 'JSON' : 'no page of metrics';
  return new SluiceError('bad-query', {
    about: 'metrics endpoint',
    problem: `shows a line that is no sample of the Prometheus text format: the page is ${kind}`,
    next: 'Check the port and the path of the metrics.',
  });
}
