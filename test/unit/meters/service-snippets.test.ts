import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { countersOf, createClassifier } from '../../../src/meters/counting/classify.ts';
import { parseExposition } from '../../../src/meters/pods/exposition.ts';
import { type DefaultQueries, defaultQueries } from '../../../src/meters/queries/default-queries.ts';
import type { Names } from '../../../src/meters/queries/rules.ts';

const names: Names = { namespace: 'shop', stable: { workload: 'checkout' }, canary: { workload: 'checkout-canary' } };

/** The histogram that the page gives for Go in the place of its counter. */
const GO_LATENCY = 'Latency for Go (client_golang)';

interface Snippet {
  /** As docs/service.md is headed. */
  readonly heading: string;
  /** What it was compiled with and run as. */
  readonly from: string;
  readonly kind: DefaultQueries['kind'];
  /** One scrape after three answers, one that failed, and in some one that found nothing. */
  readonly scraped: string;
  readonly requests: number;
  readonly hasLatency: boolean;
}

const snippets: readonly Snippet[] = [
  {
    heading: 'Node (prom-client)',
    from: 'prom-client 15.1.3, express 5.3.0',
    kind: 'http',
    scraped: `
# HELP http_requests_total Requests
# TYPE http_requests_total counter
http_requests_total{code="200"} 3
http_requests_total{code="500"} 1
http_requests_total{code="404"} 1
`,
    requests: 5,
    hasLatency: false,
  },
  {
    heading: 'Go (client_golang)',
    from: 'client_golang 1.25.0',
    kind: 'http',
    scraped: `
# HELP http_requests_total Requests
# TYPE http_requests_total counter
http_requests_total{code="200"} 3
http_requests_total{code="404"} 1
http_requests_total{code="500"} 1
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.79585907087e+09
# TYPE promhttp_metric_handler_requests_total counter
promhttp_metric_handler_requests_total{code="200"} 7
promhttp_metric_handler_requests_total{code="500"} 0
`,
    requests: 5,
    hasLatency: false,
  },
  {
    heading: GO_LATENCY,
    from: 'client_golang 1.25.0',
    kind: 'http',
    scraped: `
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{code="200",le="0.1"} 3
http_request_duration_seconds_bucket{code="200",le="+Inf"} 3
http_request_duration_seconds_sum{code="200"} 8.1894e-05
http_request_duration_seconds_count{code="200"} 3
http_request_duration_seconds_bucket{code="500",le="0.1"} 1
http_request_duration_seconds_bucket{code="500",le="+Inf"} 1
http_request_duration_seconds_sum{code="500"} 0.000111439
http_request_duration_seconds_count{code="500"} 1
`,
    requests: 4,
    hasLatency: true,
  },
  {
    heading: 'Spring Boot (Actuator with micrometer-registry-prometheus)',
    from: 'Spring Boot 3.4.1 on Java 17, with the histogram that the page names',
    kind: 'http',
    scraped: `
# TYPE http_server_requests_seconds histogram
http_server_requests_seconds_bucket{error="RuntimeException",exception="RuntimeException",method="GET",outcome="SERVER_ERROR",status="500",uri="/fail",le="0.111848106"} 1
http_server_requests_seconds_bucket{error="RuntimeException",exception="RuntimeException",method="GET",outcome="SERVER_ERROR",status="500",uri="/fail",le="+Inf"} 1
http_server_requests_seconds_count{error="RuntimeException",exception="RuntimeException",method="GET",outcome="SERVER_ERROR",status="500",uri="/fail"} 1
http_server_requests_seconds_sum{error="RuntimeException",exception="RuntimeException",method="GET",outcome="SERVER_ERROR",status="500",uri="/fail"} 0.06
http_server_requests_seconds_bucket{error="none",exception="none",method="GET",outcome="SUCCESS",status="200",uri="/",le="0.111848106"} 3
http_server_requests_seconds_bucket{error="none",exception="none",method="GET",outcome="SUCCESS",status="200",uri="/",le="+Inf"} 3
http_server_requests_seconds_count{error="none",exception="none",method="GET",outcome="SUCCESS",status="200",uri="/"} 3
http_server_requests_seconds_sum{error="none",exception="none",method="GET",outcome="SUCCESS",status="200",uri="/"} 0.06
# TYPE http_server_requests_active_seconds summary
http_server_requests_active_seconds_count{exception="none",method="GET",outcome="SUCCESS",status="200",uri="UNKNOWN"} 1
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.795859087444E9
`,
    requests: 4,
    hasLatency: true,
  },
  {
    heading: 'Python (prometheus-fastapi-instrumentator)',
    from: 'prometheus-fastapi-instrumentator 8.1.0, FastAPI 0.165.0, prometheus_client 0.26.0',
    kind: 'http',
    scraped: `
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.79585894538e+09
# HELP http_requests_total Total number of requests by method, status and handler.
# TYPE http_requests_total counter
http_requests_total{handler="/",method="GET",status="2xx"} 3.0
http_requests_total{handler="/fail",method="GET",status="5xx"} 1.0
http_requests_total{handler="none",method="GET",status="4xx"} 1.0
# TYPE http_requests_created gauge
http_requests_created{handler="/",method="GET",status="2xx"} 1.7958589528418632e+09
# TYPE http_request_duration_highr_seconds histogram
http_request_duration_highr_seconds_bucket{le="0.01"} 3.0
http_request_duration_highr_seconds_bucket{le="+Inf"} 5.0
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{handler="/",le="0.1",method="GET"} 2.0
http_request_duration_seconds_bucket{handler="/",le="0.5",method="GET"} 3.0
http_request_duration_seconds_bucket{handler="/",le="+Inf",method="GET"} 3.0
http_request_duration_seconds_bucket{handler="/fail",le="0.1",method="GET"} 1.0
http_request_duration_seconds_bucket{handler="/fail",le="0.5",method="GET"} 1.0
http_request_duration_seconds_bucket{handler="/fail",le="+Inf",method="GET"} 1.0
http_request_duration_seconds_bucket{handler="none",le="0.1",method="GET"} 1.0
http_request_duration_seconds_bucket{handler="none",le="0.5",method="GET"} 1.0
http_request_duration_seconds_bucket{handler="none",le="+Inf",method="GET"} 1.0
`,
    requests: 5,
    hasLatency: true,
  },
  {
    heading: '.NET (OpenTelemetry.Exporter.Prometheus.AspNetCore), with `metrics: opentelemetry`',
    from: 'the semantic conventions and the form of the exporter, as it was not run',
    kind: 'opentelemetry',
    scraped: `
# TYPE http_server_request_duration_seconds histogram
# UNIT http_server_request_duration_seconds seconds
http_server_request_duration_seconds_bucket{otel_scope_name="Microsoft.AspNetCore.Hosting",http_request_method="GET",http_response_status_code="200",http_route="/",le="0.1"} 2 1721198393274
http_server_request_duration_seconds_bucket{otel_scope_name="Microsoft.AspNetCore.Hosting",http_request_method="GET",http_response_status_code="200",http_route="/",le="+Inf"} 3 1721198393274
http_server_request_duration_seconds_count{otel_scope_name="Microsoft.AspNetCore.Hosting",http_request_method="GET",http_response_status_code="200",http_route="/"} 3 1721198393274
http_server_request_duration_seconds_bucket{otel_scope_name="Microsoft.AspNetCore.Hosting",error_type="System.Exception",http_request_method="GET",http_response_status_code="500",http_route="/fail",le="+Inf"} 1 1721198393274
http_server_request_duration_seconds_count{otel_scope_name="Microsoft.AspNetCore.Hosting",error_type="System.Exception",http_request_method="GET",http_response_status_code="500",http_route="/fail"} 1 1721198393274
http_server_request_duration_seconds_count{otel_scope_name="Microsoft.AspNetCore.Hosting",http_request_method="GET",http_response_status_code="404"} 1 1721198393274
`,
    requests: 5,
    hasLatency: true,
  },
];

/** As the pods of the canary are read: the first variant of the questions that any series answers. */
function read({ kind, scraped }: Snippet) {
  if (kind !== 'http' && kind !== 'opentelemetry') throw new Error(`${kind} is no preset of a service's own metrics`);
  const samples = parseExposition(scraped, () => true).map(({ labels, value }) => ({
    labels: { ...labels, arm: 'canary', pod: 'checkout-canary-1' },
    value,
    at: 0,
  }));
  const variants = defaultQueries({ kind }, names, 'pods').map((rules) =>
    countersOf('canary', createClassifier(rules)(samples)),
  );
  return variants.find((counters) => counters.some((counter) => counter.kind === 'requests')) ?? [];
}

describe.each(snippets)('$heading of docs/service.md', (snippet) => {
  const counters = read(snippet);
  const total = (kind: string) =>
    counters.filter((counter) => counter.kind === kind).reduce((sum, { value }) => sum + value, 0);

  it(`counts requests and those that failed, as run with ${snippet.from}`, () => {
    expect([total('requests'), total('errors')]).toEqual([snippet.requests, 1]);
  });

  it(
    snippet.hasLatency ? 'has a histogram for latency checks' : 'has no histogram: latency can not be judged by it',
    () => {
      expect(counters.some(({ kind, le }) => kind === 'bucket' && le !== undefined)).toBe(snippet.hasLatency);
    },
  );
});

describe('docs/service.md', async () => {
  const page = await readFile(join(import.meta.dirname, '../../../docs/service.md'), 'utf8');

  it('has no snippet whose metrics are not read here', () => {
    const [, counting = ''] = page.split('## Count the requests');
    const headings = [...counting.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading);
    const known = snippets.map(({ heading }) => heading).filter((heading) => heading !== GO_LATENCY);
    expect(headings.toSorted()).toEqual([...known, 'Latency'].toSorted());
  });
});
