import { setTimeout as sleep } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import * as z from 'zod';
import { parseJson } from '../core/json.ts';
import { ApiError, isDenial, refusal } from './errors.ts';
import type { Reads } from './reads.ts';
import { queryOf, type Requests } from './requests.ts';
import { type ResourceType, resourcePath } from './resources.ts';
import { type KubernetesObject, kubernetesObject, type Selector } from './schema.ts';

/** A watch is opened again after this time, so that a connection that died silently is noticed. */
const WATCH_SECONDS = 30;

export type WatchEvent = { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: KubernetesObject };

/** An event of `reflect`: all objects, or a change of one. */
export type Reflection = { readonly type: 'LISTED'; readonly objects: readonly KubernetesObject[] } | WatchEvent;

/** Which objects to watch. */
interface Source {
  readonly type: ResourceType;
  readonly namespace: string;
  readonly selector: Selector;
}

export function createWatch(requests: Requests, { listWithVersion }: Reads) {
  /**
   * The existing objects as ADDED events, then every change, until the signal aborts (which ends the sequence without an
   * error). A watch that breaks or is too old starts again from a fresh list, so an event may come twice and a DELETED one may
   * be missed. Use `reflect` to keep a copy of the objects.
   */
  async function* watch(
    type: ResourceType,
    namespace: string,
    selector: Selector,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent> {
    for await (const event of reflect(type, namespace, selector, signal)) {
      if (event.type !== 'LISTED') yield event;
      else for (const object of event.objects) yield { type: 'ADDED', object };
    }
  }

  /** As `watch`, but tells all objects at once at the start and after every gap: they replace what was known before. */
  async function* reflect(
    type: ResourceType,
    namespace: string,
    selector: Selector,
    signal: AbortSignal,
  ): AsyncGenerator<Reflection> {
    const watchFrom = createRound(requests, { type, namespace, selector }, signal);
    try {
      while (!signal.aborted) {
        const { items, resourceVersion } = await listWithVersion(type, namespace, selector, signal);
        yield { type: 'LISTED', objects: items };
        yield* watchFrom(resourceVersion);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  return { watch, reflect };
}

/** Watches from a resource version, until a fresh list is needed. */
function createRound(requests: Requests, source: Source, signal: AbortSignal) {
  let mayBeStarting = requests.expectStart();

  function openWatch(resourceVersion: string | undefined) {
    const query = queryOf({
      ...source.selector,
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: `${WATCH_SECONDS}`,
      resourceVersion,
    });
    const path = `${resourcePath(source.type, source.namespace)}${query}`;
    return requests.openStream(path, (WATCH_SECONDS + 5) * 1_000, signal);
  }

  /** @throws ApiError for a refusal that a fresh list would not resolve */
  async function checkRefusal(response: Dispatcher.ResponseData): Promise<void> {
    const body = await beginningOf(response.body);
    if (response.statusCode === 410 || response.statusCode >= 500) return;
    const answer = { status: response.statusCode, headers: response.headers, body };
    const about = { verb: 'watch', reference: { type: source.type, namespace: source.namespace, name: '' } };
    if (!isDenial(answer) || !mayBeStarting()) throw refusal(about, answer);
    await sleep(500, undefined, { signal });
  }

  return async function* watchFrom(start: string | undefined): AsyncGenerator<WatchEvent> {
    let resourceVersion = start;
    while (!signal.aborted) {
      const opened = performance.now();
      let events = 0;
      try {
        const response = await openWatch(resourceVersion);
        if (response.statusCode >= 400) return await checkRefusal(response);
        mayBeStarting = requests.expectStart();
        for await (const line of linesOf(response.body)) {
          const event = watchLine.parse(parseJson(line));
          if (event.type === 'ERROR') return;
          const object = kubernetesObject.parse(event.object);
          resourceVersion = object.metadata.resourceVersion;
          events += 1;
          if (event.type !== 'BOOKMARK') yield { type: event.type, object };
        }
      } catch (error) {
        if (signal.aborted || error instanceof ApiError) throw error;
      }
      // Waits, so that a server that ends every watch immediately is not asked in a tight loop.
      if (events === 0 && performance.now() - opened < 1_000) {
        await sleep(1_000, undefined, { signal });
        return;
      }
    }
  };
}

/** The most bytes of a refusal that are read: the API server's refusals are short. */
const MOST_REFUSED = 1024 * 1024;

async function beginningOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MOST_REFUSED) break;
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

const watchLine = z.object({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: z.unknown(),
});

/** The most characters of a line: etcd takes 1.5 MiB an object by default, and JSON may escape each of its characters. */
const LONGEST_LINE = 32 * 1024 * 1024;

/**
 * The lines of a body as they arrive. Rejects when the connection breaks (which node:readline does not report), and when a line
 * is too long; the list with which the watch starts again has its own limit and reports it.
 */
export async function* linesOf(body: AsyncIterable<Uint8Array>, longest = LONGEST_LINE): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let begun: string[] = [];
  let length = 0;
  for await (const chunk of body) {
    const [first = '', ...others] = decoder.decode(chunk, { stream: true }).split('\n');
    begun.push(first);
    length += first.length;
    if (length > longest) throw new Error(`a line has more than ${longest} characters`);
    const last = others.pop();
    if (last === undefined) continue;
    yield* [begun.join(''), ...others].filter((line) => line !== '');
    begun = [last];
    length = last.length;
  }
}
