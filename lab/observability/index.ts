import * as alertmanager from './alertmanager.ts';
import * as jaeger from './jaeger.ts';
import * as opensearch from './opensearch.ts';
import * as victorialogs from './victorialogs.ts';

/** By the time that their builds take, the shortest first. */
const servers = { victorialogs, opensearch, alertmanager, jaeger };
export type ServerName = keyof typeof servers;

/** Builds what is missing: one after the other, as each build uses every core. */
export async function buildObservability(signal: AbortSignal): Promise<void> {
  for (const server of Object.values(servers)) await server.build(signal);
}

/** Whether tests can start a server now. */
export function isBuilt(name: ServerName): boolean {
  return servers[name].isBuilt();
}

/** The servers that tests can't start yet. */
export function notBuilt(): string[] {
  return Object.entries(servers).flatMap(([name, server]) => (server.isBuilt() ? [] : [name]));
}
