import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as z from 'zod';
import { freePort } from '../programs/processes.ts';
import { goProgram } from '../programs/program.ts';
import { versions } from '../programs/versions.ts';
import { basic, type Login, sendJson } from './send.ts';
import { type Server, startServer } from './server.ts';

const noPages = gzipSync('<p>This build has no pages.</p>');

const executable = goProgram('alertmanager', {
  module: 'github.com/prometheus/alertmanager',
  version: versions.alertmanager,
  package: 'github.com/prometheus/alertmanager/cmd/alertmanager',
  // Its pages are built by npm, and only the result is embedded.
  lacking: {
    'ui/app/dist/elm/index.html.gz': noPages,
    'ui/app/dist/mantine/index.html.gz': noPages,
  },
});

export const { build, isBuilt } = executable;

/** The login of one that asks for one; the hash is what `htpasswd -B` makes of it. */
export const login = { username: 'builder', password: 'correct-horse' } as const;
const webConfig = {
  basic_auth_users: { builder: '$2b$04$36jn03lEpI9FPipVhxohlO.xgcsztB4LuqJKgVFr6vXsdjzS7Q4Be' },
};

/** JSON is YAML. */
const configuration = {
  route: { receiver: 'nobody' },
  receivers: [{ name: 'nobody' }],
  inhibit_rules: [
    { source_matchers: ['severity="critical"'], target_matchers: ['severity="warning"'], equal: ['service'] },
  ],
};

/** Starts Alertmanager, which tells nobody of its alerts. */
export function start({ asksForLogin = false } = {}): Promise<Server> {
  return startServer('alertmanager', async (folder) => {
    const address = `127.0.0.1:${await freePort()}`;
    const [config, web] = [join(folder, 'config.json'), join(folder, 'web.json')];
    await writeFile(config, JSON.stringify(configuration));
    await writeFile(web, JSON.stringify(asksForLogin ? webConfig : {}));
    return {
      argv: [
        executable.path,
        `--config.file=${config}`,
        `--web.config.file=${web}`,
        `--storage.path=${join(folder, 'data')}`,
        `--web.listen-address=${address}`,
        // No port for peers.
        '--cluster.listen-address=',
      ],
      address: `http://${address}`,
      ready: `http://${address}/-/ready`,
      login: asksForLogin ? login : undefined,
    };
  });
}

export interface Alert {
  readonly labels: Readonly<Record<string, string>> & { readonly alertname: string };
  readonly annotations?: Readonly<Record<string, string>>;
  /** Milliseconds since the Unix epoch. */
  readonly from: number;
  /** Milliseconds since the Unix epoch; one that has passed resolves the alert. */
  readonly to: number;
}

/** Posts alerts as Prometheus does. */
export async function putAlerts(address: string, alerts: readonly Alert[], as?: Login): Promise<void> {
  const content = alerts.map(({ labels, annotations = {}, from, to }) => ({
    labels,
    annotations,
    startsAt: new Date(from).toISOString(),
    endsAt: new Date(to).toISOString(),
  }));
  await sendJson(address, '/api/v2/alerts', content, as && basic(as));
}

/** Silences the alerts that have these labels. Gives the id of the silence. */
export async function putSilence(
  address: string,
  labels: Readonly<Record<string, string>>,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<string> {
  const answer = await sendJson(address, '/api/v2/silences', {
    matchers: Object.entries(labels).map(([name, value]) => ({ name, value, isRegex: false, isEqual: true })),
    startsAt: new Date(from).toISOString(),
    endsAt: new Date(to).toISOString(),
    createdBy: 'lab',
    comment: 'a test',
  });
  return z.object({ silenceID: z.string() }).parse(JSON.parse(answer)).silenceID;
}
