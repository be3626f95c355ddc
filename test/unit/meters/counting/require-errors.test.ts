import { describe, expect, it } from 'vitest';
import { requireErrors } from '../../../../src/meters/counting/require-errors.ts';
import { type DefaultQueries, defaultQueries } from '../../../../src/meters/queries/default-queries.ts';
import { ownQueries } from '../../../../src/meters/queries/own-queries.ts';
import { createFilter, type Labels, type Selector } from '../../../../src/meters/series/selector.ts';

const names = {
  namespace: 'shop',
  stable: { workload: 'checkout', service: 'checkout' },
  canary: { workload: 'checkout-canary', service: 'checkout-canary' },
};

const catalogOf = (series: readonly Labels[]) => ({
  about: 'the test',
  metricNames: async () => [...new Set(series.map(({ __name__ = '' }) => __name__))],
  series: async (selector: Selector) => series.filter(createFilter(selector)),
});
const seriesOf = (label: string, values: readonly string[], name = 'http_requests_total') =>
  values.map((value): Labels => ({ __name__: name, arm: 'stable', [label]: value }));

async function check(kind: DefaultQueries, series: readonly Labels[]): Promise<string[]> {
  const rules = defaultQueries(kind, names, 'pods').find((one) =>
    one.some(({ selector }) => selector.some(({ value }) => value === series[0]?.__name__)),
  );
  return requireErrors(rules ?? [], series, catalogOf(series));
}

async function checkOwn(errors: string, series: readonly Labels[], others: readonly Labels[] = []): Promise<string[]> {
  const rules = await ownQueries({ requests: 'http_requests_total', errors }, names, 'pods');
  const requests = series.filter(({ __name__ }) => __name__ === 'http_requests_total');
  return requireErrors(rules, requests, catalogOf([...series, ...others]));
}

describe('ready-made queries', () => {
  it('say by which label errors are told', async () => {
    expect(await check({ kind: 'http' }, seriesOf('status', ['success', 'error']))).toEqual([
      'errors are told by status, so far "error", "success"',
    ]);
  });

  it.each([
    ['words of its own', 'status', ['fine', 'declined']],
    ['orders in place of answers', 'status', ['shipped', 'open']],
    ['a number that is no status', 'code', ['1000']],
    ['nothing but zeros, which may be success', 'code', ['0']],
  ])('are refused where no value is known to be a status: %s', async (_, label, values) => {
    await expect(check({ kind: 'http' }, seriesOf(label, values))).rejects.toMatchObject({
      code: 'bad-query',
      problem: expect.stringContaining(`no value of ${label} "${values.toSorted()[0]}"`),
      next: expect.stringContaining(
        `\nquery-requests: 'http_requests_total'\nquery-errors: 'http_requests_total{${label}=~`,
      ),
    });
  });

  it('are refused where no label says how a request ended', async () => {
    await expect(check({ kind: 'http' }, seriesOf('method', ['GET']))).rejects.toThrow(
      'have only the labels "arm", "method"',
    );
  });

  it('tell of values among others that can’t be told', async () => {
    const notes = await check({ kind: 'http' }, seriesOf('status', ['200', 'odd']));
    expect(notes.join()).toContain('how requests with status "odd" end');
  });

  it('write the query for both arms where Prometheus is asked', async () => {
    const [rules = []] = defaultQueries({ kind: 'traefik' }, names, 'prometheus');
    const series = [
      { __name__: 'traefik_service_requests_total', service: 'shop-checkout-80@kubernetes', code: 'odd' },
    ];
    await expect(requireErrors(rules, series, catalogOf(series))).rejects.toThrow(
      /query-errors: \|\n {2}stable: traefik_service_requests_total\{.*code=~"odd"\}\n {2}canary: traefik_service/,
    );
  });
});

describe('queries of the user’s own', () => {
  it.each([
    ['numbers', 'code', ['200'], 'code=~"5.."'],
    ['numbers by exclusion', 'code', ['200', '201'], 'code!~"2.."'],
    ['one number', 'code', ['200', '404'], 'code="503"'],
    ['numbers of gRPC', 'grpc_status', ['0'], 'grpc_status=~"13|14"'],
    ['names of gRPC', 'grpc_code', ['OK'], 'grpc_code=~"Internal|Unavailable"'],
    ['classes', 'status', ['2xx'], 'status="5xx"'],
    ['classes by number and letters', 'status', ['2XX', '4XX'], 'status=~"5.*"'],
    ['statuses with their names', 'status', ['200 OK'], 'status=~"5.. .*"'],
    ['statuses with a word before', 'status', ['HTTP_200'], 'status=~"HTTP_5.."'],
    ['floats', 'code', ['200.0'], 'code=~"5.*"'],
    ['words', 'status', ['success'], 'status="error"'],
    ['words in capitals', 'outcome', ['SUCCESS'], 'outcome=~"SERVER_ERROR|UNKNOWN"'],
    ['words of the user’s own', 'status', ['approved'], 'status="declined"'],
    ['a word of the user’s own beside a usual one', 'status', ['success'], 'status=~"declin.*"'],
    ['what was seen already', 'result', ['a', 'b'], 'result="b"'],
    ['errors alone, where stable is broken', 'code', ['500'], 'code=~"5.."'],
  ])('are accepted by %s', async (_, label, values, matcher) => {
    const query = `http_requests_total{${matcher}}`;
    expect((await checkOwn(query, seriesOf(label, values))).join()).toContain(`errors are told by ${label}`);
  });

  it.each([
    ['numbers for classes', 'status', ['2xx'], 'status=~"5[0-9][0-9]"', 'status=~"5xx"'],
    ['a pattern that is no pattern', 'status', ['200', '404'], 'status="5.."', 'status=~"5.."'],
    ['a pattern without its end', 'code', ['200'], 'code=~"5"', 'code=~"5.."'],
    ['a class for numbers', 'code', ['200'], 'code=~"5xx"', 'code=~"5.."'],
    ['a word for numbers', 'code', ['200'], 'code="error"', 'code=~"5.."'],
    ['numbers for words', 'status', ['success'], 'status=~"5.."', 'status=~"error|failure|failed"'],
    ['numbers for words of the user’s own', 'status', ['approved'], 'status=~"5.."', 'status=~"approved"'],
    ['other letters', 'status', ['success'], 'status="ERROR"', 'status=~"error|failure|failed"'],
    ['small letters', 'outcome', ['SUCCESS'], 'outcome="server_error"', 'outcome=~"ERROR|FAILURE|FAILED"'],
    ['HTTP for gRPC', 'grpc_status', ['0'], 'grpc_status=~"5.."', 'grpc_status=~"2|4|12|13|14|15"'],
    ['a number for names', 'status', ['200 OK'], 'status="500"', 'status=~"5...*"'],
    ['capitals for a class', 'status', ['2xx'], 'status="5XX"', 'status=~"5xx"'],
  ])('are refused for %s', async (_, label, values, matcher, better) => {
    await expect(checkOwn(`http_requests_total{${matcher}}`, seriesOf(label, values))).rejects.toMatchObject({
      code: 'bad-query',
      problem: expect.stringMatching(new RegExp(`can never pick a failed request: ${label} is "${values[0]}"`)),
      next: expect.stringContaining(better),
    });
  });

  it.each(['http_requests_total', 'http_requests_total{code=~".*"}', 'http_requests_total{code!="ok"}'])(
    'are refused where they pick what succeeded as well: %s',
    async (query) => {
      await expect(checkOwn(query, seriesOf('code', ['200', '500']))).rejects.toThrow('picks every request');
    },
  );

  describe('with a counter of errors of its own', () => {
    const requests = seriesOf('code', ['200']);

    it('are accepted where it has the labels', async () => {
      const failures = [{ __name__: 'failures_total', arm: 'stable', kind: 'timeout' }];
      expect(await checkOwn('failures_total', requests, failures)).toEqual([]);
      expect(await checkOwn('failures_total{kind="crash"}', requests, failures)).toEqual([]);
    });

    it('are refused where it has others', async () => {
      const failures = [{ __name__: 'failures_total', arm: 'stable', reason: 'timeout' }];
      await expect(checkOwn('failures_total{code=~"5.."}', requests, failures)).rejects.toMatchObject({
        next: expect.stringContaining('Leave code=~"5.." out'),
      });
    });

    it('are refused where its values have another form', async () => {
      const failures = [{ __name__: 'failures_total', arm: 'stable', class: '5xx' }];
      await expect(checkOwn('failures_total{class="500"}', requests, failures)).rejects.toThrow('can never pick');
    });
  });
});
