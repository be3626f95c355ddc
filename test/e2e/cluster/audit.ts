import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import { auditLogPath } from '../../../lab/cluster/layout.ts';

const auditEvent = z.object({
  verb: z.string(),
  requestURI: z.string(),
  user: z.object({ username: z.string() }),
  objectRef: z.object({ resource: z.string(), name: z.string().optional() }).optional(),
});

const reads = ['get', 'list', 'watch'];

/**
 * What a shop's service account writes from now on, as the API server's own log has it: `deployments/checkout`. Dry runs
 * and questions about rights write nothing.
 *
 * @returns asks for the objects written so far, in alphabetical order
 */
export async function auditWrites(namespace: string): Promise<() => Promise<string[]>> {
  const { size: start } = await stat(auditLogPath);
  const account = `system:serviceaccount:${namespace}:sluice`;
  return async () => {
    const written = new Set<string>();
    for await (const line of createInterface({ input: createReadStream(auditLogPath, { start }) })) {
      if (!line.includes(account)) continue;
      const { verb, requestURI, user, objectRef } = auditEvent.parse(JSON.parse(line));
      if (user.username !== account || reads.includes(verb) || requestURI.includes('dryRun=All')) continue;
      if (objectRef?.resource === 'selfsubjectaccessreviews') continue;
      written.add(`${objectRef?.resource}/${objectRef?.name}`);
    }
    return [...written].sort();
  };
}
