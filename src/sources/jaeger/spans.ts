import * as z from 'zod';

/** One span, whichever API it was read by. Times are milliseconds. */
export interface Span {
  readonly trace: string;
  readonly id: string;
  readonly parent: string | undefined;
  readonly service: string;
  readonly operation: string;
  /** Somebody else's request or message that the service takes. */
  readonly isServed: boolean;
  readonly start: number;
  readonly duration: number;
  readonly isError: boolean;
}

const text = z.string();
const tag = z.object({ key: text, value: z.unknown() });
/** The answer of `/api/traces`: times are microseconds. https://www.jaegertracing.io/docs/1.76/architecture/apis/ */
export const legacyTraces = z
  .object({
    data: z.array(
      z.object({
        spans: z.array(
          z.object({
            traceID: text,
            spanID: text,
            operationName: text,
            references: z.array(z.object({ refType: text, traceID: text, spanID: text })).nullish(),
            startTime: z.number(),
            duration: z.number().min(0),
            tags: z.array(tag).nullish(),
            processID: text,
          }),
        ),
        processes: z.record(text, z.object({ serviceName: text })),
      }),
    ),
    errors: z.null().optional(),
  })
  .transform(({ data }) =>
    data.flatMap(({ spans, processes }) =>
      spans.map((span): Span => {
        const tags = new Map((span.tags ?? []).map(({ key, value }) => [key, value]));
        return {
          trace: span.traceID,
          id: span.spanID,
          parent: span.references?.find(({ traceID, refType }) => refType === 'CHILD_OF' && traceID === span.traceID)
            ?.spanID,
          service: processes[span.processID]?.serviceName ?? '',
          operation: span.operationName,
          isServed: tags.get('span.kind') === 'server' || tags.get('span.kind') === 'consumer',
          start: span.startTime / 1_000,
          duration: span.duration / 1_000,
          isError: isError(tags),
        };
      }),
    ),
  );

/** Storages keep the tag `error` as a bool or as a text; Zipkin's clients put the message there. */
function isError(tags: ReadonlyMap<string, unknown>): boolean {
  if (tags.get('otel.status_code') === 'ERROR') return true;
  const error = tags.get('error');
  return error === true || (typeof error === 'string' && error.toLowerCase() !== 'false');
}

/** uint64 of JSON for protocol buffers: a text. */
const nanoseconds = z
  .union([text.regex(/^\d{1,20}$/), z.number().min(0), z.bigint()])
  .default(0)
  .transform((given) => Number(given) / 1e6);
const code = z.union([z.number(), text]).nullish();
const attribute = z.object({ key: text, value: z.object({ stringValue: text.nullish() }).nullish() });
/** The answer of `/api/v3/traces`: OTLP, with enums as numbers or names. https://github.com/jaegertracing/jaeger-idl */
export const otlpTraces = z
  .object({
    result: z.object({
      resourceSpans: z.array(
        z.object({
          resource: z.object({ attributes: z.array(attribute).nullish() }).nullish(),
          scopeSpans: z.array(
            z.object({
              spans: z.array(
                z.object({
                  traceId: text,
                  spanId: text,
                  parentSpanId: text.nullish(),
                  name: text.default(''),
                  kind: code,
                  startTimeUnixNano: nanoseconds,
                  endTimeUnixNano: nanoseconds,
                  status: z.object({ code }).nullish(),
                }),
              ),
            }),
          ),
        }),
      ),
    }),
  })
  .transform(({ result }) =>
    result.resourceSpans.flatMap(({ resource, scopeSpans }) => {
      const name = resource?.attributes?.find(({ key }) => key === 'service.name');
      const service = name?.value?.stringValue ?? '';
      return scopeSpans.flatMap(({ spans }) =>
        spans.map(
          (span): Span => ({
            trace: span.traceId,
            id: span.spanId,
            parent: span.parentSpanId || undefined,
            service,
            operation: span.name,
            isServed: isOneOf(span.kind, [2, 'SPAN_KIND_SERVER', 5, 'SPAN_KIND_CONSUMER']),
            start: span.startTimeUnixNano,
            duration: Math.max(0, span.endTimeUnixNano - span.startTimeUnixNano),
            isError: isOneOf(span.status?.code, [2, 'STATUS_CODE_ERROR']),
          }),
        ),
      );
    }),
  );

function isOneOf(given: z.infer<typeof code>, known: readonly (number | string)[]): boolean {
  return known.some((one) => one === given);
}

/** The spans of an operation; without one, those in which a service takes what comes from elsewhere. */
export function requestsOf(spans: readonly Span[], service: string, operation: string | undefined): Span[] {
  const own = spans.filter((span) => span.service === service);
  if (operation !== undefined) return own.filter((span) => span.operation === operation);
  const ids = new Set(own.map(({ trace, id }) => `${trace} ${id}`));
  return own.filter(
    ({ isServed, trace, parent }) => isServed || parent === undefined || !ids.has(`${trace} ${parent}`),
  );
}
