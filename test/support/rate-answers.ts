import type { Respond } from './answering-server.ts';

/** What a Prometheus knows of two counters; rates by the window as PromQL has it: `300s`. */
export interface RateFacts {
  readonly total?: Readonly<Record<string, number>> | number;
  readonly bad?: Readonly<Record<string, number>> | number;
  /** Whether there is a value so long before. */
  readonly reachesBack?: (range: string) => boolean;
  /** Seconds since the last measurement. */
  readonly age?: number;
  readonly warnings?: readonly string[];
}

/** The answers of Prometheus to what burn rates are made of, at one time (milliseconds since the Unix epoch). */
export function rateAnswers(
  { total = 10, bad, reachesBack = () => true, age = 5, warnings }: RateFacts,
  now: number,
): Respond {
  const at = now / 1_000;
  const vector = (value: number | undefined) => ({
    body: {
      status: 'success',
      data: {
        resultType: 'vector',
        result: value === undefined ? [] : [{ metric: {}, value: [at, Number.isNaN(value) ? 'NaN' : `${value}`] }],
      },
      ...(warnings && { warnings }),
    },
  });
  const history = (name: string, labels: Record<string, string>) => ({
    metric: { __name__: name, ...labels },
    values: [0, 1, 2].map((index) => [at - age - 15 * (2 - index), `${100 + index}`]),
  });
  return (path) => {
    const { pathname, searchParams } = new URL(path, 'http://x');
    const query = searchParams.get('query') ?? '';
    if (pathname.endsWith('/values'))
      return { body: { status: 'success', data: ['requests_total', 'failures_total'] } };
    if (pathname.endsWith('/series'))
      return { body: { status: 'success', data: [{ __name__: 'requests_total' }, { __name__: 'failures_total' }] } };
    const [, part, range = ''] = /^sum\(rate\((\w+)\[(\w+)\]\)\)$/.exec(query) ?? [];
    if (part !== undefined) {
      const rates = part === 'requests_total' ? total : bad;
      return vector(typeof rates === 'object' ? rates[range] : rates);
    }
    const [, offset] = /^count\(requests_total offset (\w+)\)$/.exec(query) ?? [];
    if (offset !== undefined) return vector(reachesBack(offset) ? 3 : undefined);
    if (query === 'max(timestamp(requests_total))') return vector(at - age);
    const result = [history('requests_total', {}), ...(bad === undefined ? [] : [history('failures_total', {})])];
    return { body: { status: 'success', data: { resultType: 'matrix', result } } };
  };
}
