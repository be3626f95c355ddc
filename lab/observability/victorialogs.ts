import { freePort } from '../programs/processes.ts';
import { goProgram } from '../programs/program.ts';
import { versions } from '../programs/versions.ts';
import { basic, type Login, send } from './send.ts';
import { type Server, startServer } from './server.ts';

const executable = goProgram('victorialogs', {
  module: 'github.com/VictoriaMetrics/VictoriaLogs',
  version: versions.victoriaLogs,
  package: 'github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs',
});

export const { build, isBuilt } = executable;

interface Options {
  /** Asks for this name and password by HTTP Basic. */
  readonly login?: Login;
}

/** Starts VictoriaLogs, which keeps lines of the last seven days. */
export function start({ login }: Options = {}): Promise<Server> {
  return startServer('victorialogs', async (folder) => {
    const address = `127.0.0.1:${await freePort()}`;
    return {
      argv: [
        executable.path,
        `-httpListenAddr=${address}`,
        `-storageDataPath=${folder}/data`,
        '-memory.allowedPercent=5',
        '-retentionPeriod=7d',
        ...(login ? [`-httpAuth.username=${login.username}`, `-httpAuth.password=${login.password}`] : []),
      ],
      address: `http://${address}`,
      ready: `http://${address}/health`,
      login,
    };
  });
}

export interface LogLine {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly message: string;
  readonly fields?: Readonly<Record<string, string | number>>;
}

/**
 * Stores log lines and waits until a search sees them.
 *
 * @param streamFields names of the fields that tell streams apart: `{arm="canary"}`
 */
export async function putLines(
  address: string,
  lines: readonly LogLine[],
  { streamFields = [], as }: { readonly streamFields?: readonly string[]; readonly as?: Login } = {},
): Promise<void> {
  const documents = lines.flatMap(({ at, message, fields }) => [
    { create: {} },
    { '@timestamp': new Date(at).toISOString(), message, ...fields },
  ]);
  const headers = as ? basic(as) : {};
  const query = new URLSearchParams({
    _time_field: '@timestamp',
    _msg_field: 'message',
    _stream_fields: streamFields.join(','),
  });
  await send(address, `/insert/elasticsearch/_bulk?${query}`, {
    type: 'application/x-ndjson',
    body: documents.map((document) => `${JSON.stringify(document)}\n`).join(''),
    headers,
  });
  await send(address, '/internal/force_flush', { type: 'text/plain', body: '', headers });
}
