import * as z from 'zod';
import { isSluiceError, SluiceError } from '../../core/errors.ts';
import { inAddress } from '../../core/text.ts';
import type { Window } from '../../judge/looks/look.ts';
import type { RemoteServer } from '../../remote/connection.ts';
import { wordsOf } from '../../remote/refusal.ts';
import { createJsonApi, type JsonApi, type Question } from '../json-api.ts';
import { legacyTraces, otlpTraces, type Span } from './spans.ts';

/** A search for traces. */
export interface TraceSearch {
  readonly service: string;
  readonly operation?: string;
  readonly window: Window;
  /** Traces of the answer at most. */
  readonly limit: number;
}

/** One of the two forms in which Jaeger is asked. */
interface Dialect {
  services(signal: AbortSignal): Promise<string[]>;
  operations(service: string, signal: AbortSignal): Promise<string[]>;
  search(search: TraceSearch, signal: AbortSignal): Promise<Span[]>;
}

export type JaegerApi = ReturnType<typeof createJaegerApi>;

/**
 * The part of Jaeger's query API that is needed: `/api/v3` where there is one, and the API of its user interface before, which has
 * gone from Jaeger in 2026. Errors are those of `JsonApi`.
 */
export function createJaegerApi(server: RemoteServer) {
  const api = createJsonApi(server, {
    product: 'Jaeger',
    credentials: 'Check the token or the user name and password of the proxy before Jaeger.',
    address:
      'Check the address: the query service usually has port 16686, with the path of its user interface (query.base-path).',
  });
  const [current, legacy] = [currentDialect(api), legacyDialect(api)];
  let chosen: Dialect | undefined;

  async function dialect(signal: AbortSignal): Promise<Dialect> {
    if (chosen) return chosen;
    try {
      await current.services(signal);
      chosen = current;
    } catch (error) {
      if (!isSluiceError(error, 'not-found')) throw error;
      await legacy.services(signal);
      chosen = legacy;
    }
    return chosen;
  }

  return {
    name: api.name,
    permissions: api.permissions,
    services: async (signal: AbortSignal) => (await dialect(signal)).services(signal),
    operations: async (service: string, signal: AbortSignal) => (await dialect(signal)).operations(service, signal),
    search: async (search: TraceSearch, signal: AbortSignal) => (await dialect(signal)).search(search, signal),
  };
}

/** Jaeger's answer where it finds nothing is an error. */
class NoTraces extends SluiceError {
  constructor() {
    super('not-found', { about: 'the search', problem: 'finds no traces.', next: 'Check the service.' });
  }
}

const names = z.array(z.string());
const operation = z.object({ name: z.string().default('') });

function currentDialect(api: JsonApi): Dialect {
  return {
    services: async (signal) =>
      (await api.get({ path: '/api/v3/services', shape: z.object({ services: names }) }, signal)).services,
    async operations(service, signal) {
      const shape = z.object({ operations: z.array(operation).default([]) });
      const { operations } = await api.get({ path: '/api/v3/operations', parameters: { service }, shape }, signal);
      return operations.map(({ name }) => name);
    },
    async search({ service, operation: name, window, limit }, signal) {
      // The names with underscores are taken by all versions.
      const parameters = {
        'query.service_name': service,
        ...(name !== undefined && { 'query.operation_name': name }),
        'query.start_time_min': new Date(window.from).toISOString(),
        'query.start_time_max': new Date(window.to).toISOString(),
        'query.num_traces': `${limit}`,
        // Adjusted traces have other times, which may lie in another window.
        'query.raw_traces': 'true',
      };
      const question: Question<typeof otlpTraces> = {
        path: '/api/v3/traces',
        parameters,
        shape: otlpTraces,
        about: `traces of ${service}`,
        explain: ({ status, body }) =>
          status === 404 && wordsOf(body) === 'No traces found' ? new NoTraces() : undefined,
      };
      return api.get(question, signal).catch((error: unknown): Span[] => {
        if (error instanceof NoTraces) return [];
        throw error;
      });
    },
  };
}

function legacyDialect(api: JsonApi): Dialect {
  const shape = z.object({ data: names.nullable(), errors: z.null().optional() }).transform(({ data }) => data ?? []);
  return {
    services: (signal) => api.get({ path: '/api/services', shape }, signal),
    operations: (service, signal) =>
      api.get({ path: `/api/services/${inAddress(service)}/operations`, shape, about: `service ${service}` }, signal),
    search({ service, operation: name, window, limit }, signal) {
      const parameters = {
        service,
        ...(name !== undefined && { operation: name }),
        start: `${Math.floor(window.from)}000`,
        end: `${Math.ceil(window.to)}000`,
        limit: `${limit}`,
        raw: 'true',
      };
      return api.get({ path: '/api/traces', parameters, shape: legacyTraces, about: `traces of ${service}` }, signal);
    },
  };
}
