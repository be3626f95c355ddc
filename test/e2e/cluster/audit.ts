import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { auditLogPath } from '../../../lab/cluster/layout.ts';

/** A request as the API server's audit log has it. */
export interface AuditedRequest {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly verb: string;
  /** `pods/proxy` is subresource `proxy` of resource `pods`. */
  readonly resource: string;
  readonly name: string;
  readonly code: number;
  readonly uri: string;
}

const entry = z.object({
  auditID: z.string(),
  stage: z.string(),
  verb: z.string(),
  requestURI: z.string(),
  user: z.object({ username: z.string() }),
  objectRef: z
    .object({ resource: z.string(), subresource: z.string().optional(), name: z.string().default('') })
    .optional(),
  responseStatus: z.object({ code: z.number() }).optional(),
  requestReceivedTimestamp: z.string(),
});

/** All that the service account `sluice` of a namespace has asked the API server for, in the order of the answers. */
export async function auditOf(namespace: string): Promise<AuditedRequest[]> {
  const lines = (await readFile(auditLogPath, 'utf8')).split('\n');
  return (
    lines
      .filter((line) => line.includes(`system:serviceaccount:${namespace}:sluice`))
      .map((line) => entry.parse(JSON.parse(line)))
      // A watch is written down at its start and again at its end.
      .filter(({ stage, verb }) => stage === (verb === 'watch' ? 'ResponseStarted' : 'ResponseComplete'))
      .map(({ auditID, verb, objectRef, responseStatus, requestReceivedTimestamp, requestURI }) => ({
        id: auditID,
        at: Date.parse(requestReceivedTimestamp),
        verb,
        resource: [objectRef?.resource ?? '', ...(objectRef?.subresource ? [objectRef.subresource] : [])].join('/'),
        name: objectRef?.name ?? '',
        code: responseStatus?.code ?? 0,
        uri: requestURI,
      }))
  );
}

const reading = new Set(['get', 'list', 'watch']);

/** A question about rights creates nothing. */
export function isWrite({ verb, resource }: AuditedRequest): boolean {
  return !reading.has(verb) && resource !== 'selfsubjectaccessreviews';
}

/**
 * What a shop's service account writes from now on: `deployments/checkout`. Dry runs write nothing.
 *
 * @returns asks for the objects written so far, in alphabetical order
 */
export async function auditWrites(namespace: string): Promise<() => Promise<string[]>> {
  const before = new Set((await auditOf(namespace)).map(({ id }) => id));
  return async () => {
    const written = (await auditOf(namespace)).filter(
      (one) => !before.has(one.id) && isWrite(one) && !one.uri.includes('dryRun=All'),
    );
    return [...new Set(written.map(({ resource, name }) => `${resource}/${name}`))].sort();
  };
}
