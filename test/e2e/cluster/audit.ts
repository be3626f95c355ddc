import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import { auditLogPath } from '../../../lab/cluster/layout.ts';

/** A request as the API server's audit log has it. */
export interface AuditedRequest {
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
  const asked: AuditedRequest[] = [];
  // The log is one of all shops since the lab came up, and too much for one text.
  for await (const line of createInterface({ input: createReadStream(auditLogPath) })) {
    if (!line.includes(`system:serviceaccount:${namespace}:sluice`)) continue;
    const { stage, verb, objectRef, responseStatus, requestReceivedTimestamp, requestURI } = entry.parse(
      JSON.parse(line),
    );
    // A watch is written down at its start and again at its end.
    if (stage !== (verb === 'watch' ? 'ResponseStarted' : 'ResponseComplete')) continue;
    asked.push({
      at: Date.parse(requestReceivedTimestamp),
      verb,
      resource: [objectRef?.resource ?? '', ...(objectRef?.subresource ? [objectRef.subresource] : [])].join('/'),
      name: objectRef?.name ?? '',
      code: responseStatus?.code ?? 0,
      uri: requestURI,
    });
  }
  return asked;
}

const reading = new Set(['get', 'list', 'watch']);

/** A question about rights creates nothing. */
export function isWrite({ verb, resource }: AuditedRequest): boolean {
  return !reading.has(verb) && resource !== 'selfsubjectaccessreviews';
}
