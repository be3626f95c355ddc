import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { LabError } from '../programs/commands.ts';
import { buildJava } from '../programs/maven.ts';
import { freePort } from '../programs/processes.ts';
import { program } from '../programs/program.ts';
import { versions } from '../programs/versions.ts';
import { send, sendJson } from './send.ts';
import { type Server, startServer } from './server.ts';

const own = join(import.meta.dirname, 'opensearch');
const [pom, source, logging] = [join(own, 'pom.xml'), join(own, 'OneNode.java'), join(own, 'log4j2.xml')];
const content = createHash('sha256');
for (const file of [pom, source, logging]) content.update(readFileSync(file));

const node = program(
  'opensearch',
  `${versions.opensearch}-${content.digest('hex').slice(0, 12)}`,
  async (output, signal) => {
    await buildJava({ pom, source, version: versions.opensearch }, output, signal);
    await copyFile(logging, join(output, 'classes/log4j2.xml'));
  },
);

export const { build, isBuilt } = node;

/** Starts a cluster of one OpenSearch node, which asks for no login. */
export function start(): Promise<Server> {
  return startServer('opensearch', async (folder) => {
    const [port, transportPort] = [await freePort(), await freePort()];
    await mkdir(join(folder, 'config'));
    const address = `http://127.0.0.1:${port}`;
    return {
      argv: [
        'java',
        // A short life on a small machine.
        ...['-Xms256m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
        ...['-cp', `${join(node.folder, 'classes')}:${join(node.folder, 'lib/*')}`],
        ...['OneNode', folder, `${port}`, `${transportPort}`],
      ],
      address,
      ready: `${address}/_cluster/health?wait_for_status=yellow&timeout=1s`,
    };
  });
}

/** Makes an index of one shard without replicas: more would stay unassigned on one node. */
export async function putIndex(
  address: string,
  index: string,
  properties: Readonly<Record<string, { readonly type: string }>>,
): Promise<void> {
  await send(address, `/${index}`, {
    method: 'PUT',
    type: 'application/json',
    body: JSON.stringify({
      settings: { number_of_shards: 1, number_of_replicas: 0 },
      mappings: { date_detection: false, properties },
    }),
  });
}

const bulkAnswer = z.object({ errors: z.boolean() });

/** Stores documents and waits until a search sees them. Throws a LabError where one of them is refused. */
export async function putDocuments(
  address: string,
  index: string,
  documents: readonly Readonly<Record<string, unknown>>[],
): Promise<void> {
  const lines = documents.flatMap((document) => [{ index: { _index: index } }, document]);
  const answer = await send(address, '/_bulk?refresh=true', {
    type: 'application/x-ndjson',
    body: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
  });
  // The bulk is answered with 200 all the same.
  if (bulkAnswer.parse(JSON.parse(answer)).errors)
    throw new LabError(`OpenSearch refused documents: ${answer.slice(0, 500)}`);
}

/** Takes an index away for searches, and leaves it on the list. */
export async function closeIndex(address: string, index: string): Promise<void> {
  await sendJson(address, `/${index}/_close`, {});
}
