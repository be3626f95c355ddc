import type { ServerResponse } from 'node:http';
import * as z from 'zod';
import type { Registry } from './registry.ts';
import type { RequestInfo } from './request-info.ts';
import { pods } from './resources.ts';
import { badRequest } from './status.ts';

/** Annotation of a pod: JSON object of container → its log, each line with its time; `previous NAME` is that of the run before. */
export const logsAnnotation = 'embedded-lab/logs';

const logs = z.record(z.string(), z.string());

/** Whether this is asked of a pod that has logs here. */
export function hasLogs(registry: Registry, { resource, subresource, namespace, name }: RequestInfo): boolean {
  if (resource !== pods || subresource !== 'log') return false;
  return registry.get({ resource, namespace, name }).metadata.annotations?.[logsAnnotation] !== undefined;
}

/** `pods/NAME/log`: lines since a time, the last so many of them, and of those the first so many bytes, as the kubelet gives them. */
export function serveLog(registry: Registry, info: RequestInfo, response: ServerResponse): void {
  const { resource, namespace, name, query } = info;
  const { metadata } = registry.get({ resource, namespace, name });
  const kept = logs.parse(JSON.parse(metadata.annotations?.[logsAnnotation] ?? '{}'));
  const container = query.get('container') ?? '';
  const log = kept[query.get('previous') === 'true' ? `previous ${container}` : container];
  if (log === undefined) throw badRequest(`container ${container} is not valid for pod ${name}, or has no such log`);
  const since = Date.parse(query.get('sinceTime') ?? '') || 0;
  const lines = log.split(/(?<=\n)/).filter((line) => Date.parse(line.split(' ')[0] ?? '') >= since);
  const last = query.has('tailLines') ? lines.slice(-Number(query.get('tailLines'))) : lines;
  const shown = query.get('timestamps') === 'true' ? last : last.map((line) => line.slice(line.indexOf(' ') + 1));
  const bytes = Buffer.from(shown.join(''));
  const limit = query.has('limitBytes') ? Number(query.get('limitBytes')) : bytes.length;
  response.writeHead(200, { 'content-type': 'text/plain' }).end(bytes.subarray(0, limit));
}
