import type { ServerResponse } from 'node:http';
import { type KubeObject, textOf } from './objects.ts';
import type { RequestInfo } from './request-info.ts';
import { apiVersionOf } from './resources.ts';
import { selection } from './selectors.ts';
import { expired, invalidResourceVersion } from './status.ts';
import type { Storage, StoredEvent } from './storage.ts';

/**
 * Answers a watch: the changes after `resourceVersion` (the existing objects, if it is absent or 0), one JSON line each, until
 * `timeoutSeconds` or until the client disconnects. A resourceVersion that is too old is an error in the stream, as on the
 * server.
 */
export function serveWatch(
  storage: Storage,
  { resource, namespace, query }: RequestInfo,
  bookmarkInterval: number,
  response: ServerResponse,
): void {
  const matches = selection(resource, query);
  const asked = query.get('resourceVersion') || '0';
  if (!/^\d+$/.test(asked)) throw invalidResourceVersion(asked);
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.flushHeaders();

  function write(type: string, object: object): void {
    response.write(`{"type":"${type}","object":${textOf(object)}}\n`);
  }

  function send(event: StoredEvent): void {
    if (event.resource !== resource) return;
    if (namespace !== '' && event.object.metadata.namespace !== namespace) return;
    const type = typeSeen(event, matches);
    if (type !== undefined) write(type, event.object);
  }

  function bookmark(): void {
    const object = {
      kind: resource.kind,
      apiVersion: apiVersionOf(resource),
      // Servers before 1.34 write the empty timestamp as null.
      metadata: { resourceVersion: String(storage.revision()), creationTimestamp: null },
    };
    if (['1', 'true'].includes(query.get('allowWatchBookmarks') ?? '')) write('BOOKMARK', object);
  }

  if (asked === '0') {
    for (const object of storage.list(resource, namespace || undefined)) if (matches(object)) write('ADDED', object);
  } else {
    const missed = storage.eventsAfter(Number(asked));
    if ('oldest' in missed) {
      write('ERROR', expired(Number(asked), missed.oldest));
      response.end();
      return;
    }
    for (const event of missed) send(event);
  }

  const unsubscribe = storage.subscribe(send);
  const bookmarks = setInterval(bookmark, bookmarkInterval);
  const seconds = Number(query.get('timeoutSeconds') ?? 0);
  const timeout = seconds > 0 ? setTimeout(end, seconds * 1_000) : undefined;
  response.on('close', stop);

  function end(): void {
    bookmark();
    response.end();
  }
  function stop(): void {
    unsubscribe();
    clearInterval(bookmarks);
    clearTimeout(timeout);
  }
}

/** The type of the event for a watcher that sees only what its selectors match. */
function typeSeen(
  { type, object, previous }: StoredEvent,
  matches: (object: KubeObject) => boolean,
): StoredEvent['type'] | undefined {
  const before = previous !== undefined && matches(previous);
  const after = type !== 'DELETED' && matches(object);
  if (before && after) return 'MODIFIED';
  if (after) return 'ADDED';
  return before ? 'DELETED' : undefined;
}
