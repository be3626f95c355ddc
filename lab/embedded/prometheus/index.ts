import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { createFilter, type Labels, NAME } from '../../../src/meters/series/selector.ts';
import type { Storage } from '../api-server/storage.ts';
import { close, listen } from '../sockets.ts';
import { evaluate, parseSelector, QueryError, type Value } from './promql.ts';
import { createScraper, type ScrapeResult } from './scrape.ts';
import { createSeriesStore, type SeriesStore, samplesIn } from './series.ts';
import { scrapeTargets } from './targets.ts';

export interface PrometheusOptions {
  /** Milliseconds between scrapes; default 1,000. */
  readonly scrapeInterval?: number;
  readonly now?: () => number;
  /** The required value of the `Authorization` header: `Bearer …` or `Basic …`. */
  readonly authorization?: string;
  /** What was scraped before; default nothing. */
  readonly store?: SeriesStore;
}

/**
 * A Prometheus double on a loopback port: scrapes the pods that are annotated for it and answers the HTTP API for a subset of
 * PromQL (see `evaluate`); answers anything else with 422 in Prometheus's own shape.
 */
export async function startPrometheus(storage: Storage, options: PrometheusOptions = {}) {
  const { scrapeInterval = 1_000, now = Date.now, authorization } = options;
  const store = options.store ?? createSeriesStore();
  const scraper = createScraper(store, now);
  let timer: NodeJS.Timeout | undefined;
  let delay = 0;
  let garbage: string | undefined;

  let scraping: Promise<void> = Promise.resolve();
  function scrape(): Promise<void> {
    scraping = scraping.then(() => scraper.scrape(scrapeTargets(storage), Math.max(scrapeInterval, 1_000)));
    return scraping;
  }

  function setScraping(on: boolean): void {
    clearInterval(timer);
    timer = on ? setInterval(() => void scrape(), scrapeInterval) : undefined;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://prometheus');
    const body = await text(request);
    if (delay > 0) await sleep(delay);
    if (authorization !== undefined && request.headers.authorization !== authorization) {
      response.writeHead(401, { 'www-authenticate': 'Basic' }).end('Unauthorized\n');
      return;
    }
    if (garbage !== undefined) {
      response.writeHead(200, { 'content-type': 'text/html' }).end(garbage);
      return;
    }
    if (url.pathname === '/-/ready' || url.pathname === '/-/healthy') {
      response.writeHead(200).end(`Prometheus Server is ${url.pathname === '/-/ready' ? 'Ready' : 'Healthy'}.\n`);
      return;
    }
    const form = request.headers['content-type']?.includes('application/x-www-form-urlencoded') ? body : '';
    const parameters = new URLSearchParams([...url.searchParams, ...new URLSearchParams(form)]);
    try {
      const data = answerTo(url.pathname, parameters);
      if (data === undefined) response.writeHead(404).end('404 page not found\n');
      else answer(response, 200, { status: 'success', data });
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
      const status = error.type === 'bad_data' ? 400 : 422;
      answer(response, status, { status: 'error', errorType: error.type, error: error.message });
    }
  }

  function answerTo(path: string, parameters: URLSearchParams): unknown {
    if (path === '/api/v1/query') {
      const time = timeOf(parameters.get('time')) ?? now();
      return resultOf(evaluate(store, parameters.get('query') ?? '', time), time);
    }
    if (path === '/api/v1/series') return seriesOf(parameters);
    if (path === '/api/v1/labels') {
      return [...new Set(seriesOf(parameters).flatMap((labels) => Object.keys(labels)))].sort();
    }
    const [, label] = /^\/api\/v1\/label\/([^/]+)\/values$/.exec(path) ?? [];
    if (label !== undefined) {
      return [...new Set(seriesOf(parameters).flatMap((labels) => labels[label] ?? []))].sort();
    }
    if (path === '/api/v1/metadata') {
      const entries = [...scraper.metadata()].filter(([name]) => [null, name].includes(parameters.get('metric')));
      return Object.fromEntries(entries.map(([name, known]) => [name, [{ ...known, unit: '' }]]));
    }
    if (path === '/api/v1/targets') return { activeTargets: scraper.results().map(activeTarget), droppedTargets: [] };
    if (path === '/api/v1/status/buildinfo') return { version: '3.0.0-embedded' };
    return undefined;
  }

  /** Labels of the series that match any `match[]` (all without one) and have samples between `start` and `end`. */
  function seriesOf(parameters: URLSearchParams): Labels[] {
    const filters = parameters.getAll('match[]').map((match) => createFilter(parseSelector(match)));
    const from = timeOf(parameters.get('start')) ?? Number.NEGATIVE_INFINITY;
    const to = timeOf(parameters.get('end')) ?? Number.POSITIVE_INFINITY;
    return store
      .select([{ label: NAME, op: '!=', value: '' }])
      .filter((series) => samplesIn(series, from, to).length > 0)
      .map(({ labels }) => labels)
      .filter((labels) => filters.length === 0 || filters.some((matches) => matches(labels)));
  }

  let server: Server = createServer(handle);
  const port = await listen(server, 0);
  setScraping(true);

  return {
    url: `http://127.0.0.1:${port}`,
    port,

    /** Scrapes all targets now, in addition to the regular scrapes. */
    scrape,

    /** Off: answers continue, from samples that become old. */
    setScraping,

    /** The delay of every answer from now on, in milliseconds. */
    setDelay(milliseconds: number): void {
      delay = milliseconds;
    },

    /** Answers every request with 200 and this text; undefined ends this. */
    setGarbage(answerText: string | undefined): void {
      garbage = answerText;
    },

    /** Stops: scrapes nothing, refuses connections. Scraped data is kept for `start`. */
    async stop(): Promise<void> {
      setScraping(false);
      await Promise.all([close(server), scraping]);
    },

    /** Starts again on the same port after `stop`. */
    async start(): Promise<void> {
      if (server.listening) return;
      server = createServer(handle);
      await listen(server, port);
      setScraping(true);
    },
  };

  function activeTarget({ target, at, seconds, error }: ScrapeResult) {
    return {
      discoveredLabels: {},
      labels: target.labels,
      scrapePool: 'kubernetes-pods',
      scrapeUrl: target.url,
      globalUrl: target.url,
      lastError: error,
      lastScrape: new Date(at).toISOString(),
      lastScrapeDuration: seconds,
      health: error === '' ? 'up' : 'down',
      scrapeInterval: `${scrapeInterval}ms`,
      scrapeTimeout: `${scrapeInterval}ms`,
    };
  }
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** Unix seconds or RFC 3339 as milliseconds. */
function timeOf(given: string | null): number | undefined {
  if (given === null || given === '') return undefined;
  const time = /^[\d.]+$/.test(given) ? Number(given) * 1_000 : Date.parse(given);
  if (Number.isNaN(time)) throw new QueryError('bad_data', `invalid parameter "time": cannot parse "${given}"`);
  return time;
}

function resultOf(value: Value, time: number): unknown {
  if (value.type === 'scalar') return { resultType: 'scalar', result: point(time, value.value) };
  if (value.type === 'vector') {
    const result = value.samples.map((sample) => ({ metric: sample.labels, value: point(time, sample.value) }));
    return { resultType: 'vector', result };
  }
  const result = value.series.map(({ labels, samples }) => ({
    metric: labels,
    values: samples.map(({ at, value: sampled }) => point(at, sampled)),
  }));
  return { resultType: 'matrix', result };
}

function point(at: number, value: number): [number, string] {
  if (Number.isNaN(value)) return [at / 1_000, 'NaN'];
  if (!Number.isFinite(value)) return [at / 1_000, value > 0 ? '+Inf' : '-Inf'];
  return [at / 1_000, String(value)];
}
