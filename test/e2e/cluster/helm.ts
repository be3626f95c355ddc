import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import * as z from 'zod';
import { connect as connectAsAdmin } from '../../../lab/cluster/kubernetes.ts';
import { endpoints, kubeconfigPath } from '../../../lab/cluster/layout.ts';
import { programPath } from '../../../lab/cluster/programs.ts';
import { actionFolder, type Ended, type Run, runAction } from '../../../lab/embedded/runner.ts';
import { run } from '../../../lab/programs/commands.ts';
import { waitUntil } from '../../../lab/programs/wait.ts';
import { createClient } from '../../../src/cluster/client.ts';
import { loadConfig } from '../../../src/cluster/kubeconfig.ts';
import { type ResourceType, resources } from '../../../src/cluster/resources.ts';
import type { KubernetesObject } from '../../../src/cluster/schema.ts';
import { connect } from '../../../src/cluster/transport.ts';
import type { Login } from '../../../src/helm/chart-commands.ts';
import { type History, parseHistory } from '../../../src/helm/history.ts';
import { documentedRules, rulesFor } from './documented-roles.ts';
import { createAccount } from './shop.ts';

/** Runs, and does not end by itself. */
export const image = `${endpoints.registry}/demo-service:v1`;

export const chart = join(import.meta.dirname, 'charts/shop');

const never = new AbortController().signal;

export type Program = 'helm' | 'helm3';
export type Inputs = Readonly<Record<string, string>>;
export type Place = Awaited<ReturnType<typeof openPlace>>;

/** Gives a namespace of its own to a test and takes it away after it. */
export async function inPlace(tell: (place: Place) => Promise<void>, program: Program = 'helm'): Promise<void> {
  const place = await openPlace(program);
  try {
    await tell(place);
  } finally {
    await place.close();
  }
}

async function openPlace(program: Program) {
  // The action runs what is named `helm` on the PATH.
  const bin = await mkdtemp(join(tmpdir(), 'sluice-helm-bin-'));
  const file = join(bin, 'helm');
  await symlink(programPath(program), file);
  const config = loadConfig({ kubeconfig: kubeconfigPath, context: '', env: {} });
  const client = createClient(connect(config, {}));
  const namespace = `helm-${randomBytes(3).toString('hex')}`;
  const release = 'shop';
  const own = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  await client.create(resources.namespace, own, never);

  // The action has the rights that its README asks for, and no others.
  const rules = rulesFor([release, `${release}-canary`], await documentedRules('An ordinary service', 'helm-deploy'));
  const kubeconfig = await createAccount(await connectAsAdmin(), namespace, 'deployer', rules);

  const helm = (...args: string[]) =>
    run(file, [...args, '--namespace', namespace], { env: { KUBECONFIG: kubeconfigPath } });
  const find = (type: ResourceType, name: string) => client.find({ type, namespace, name }, never);

  async function history(): Promise<History> {
    return (await records()).length === 0 ? [] : parseHistory(await helm('history', release, '--output', 'json'));
  }

  const records = () => client.list(resources.secret, namespace, { labelSelector: 'owner=helm' }, never);

  /** Starts the built action as a runner would, as the run of this number. */
  function start(inputs: Inputs, { runId = '1', onOutput }: StartOptions = {}): Promise<Run> {
    return runAction({
      action: actionFolder('helm-deploy'),
      inputs: { kubeconfig, namespace, release, timeout: '60s', ...inputs },
      env: { PATH: `${bin}:${process.env.PATH}`, NO_COLOR: '1', GITHUB_RUN_ID: runId },
      ...(onOutput && { onOutput }),
    });
  }

  return {
    namespace,
    release,
    client,
    helm,
    find,
    history,
    /** `1 superseded, 2 deployed` */
    states: async () => (await history()).map(({ revision, status }) => `${revision} ${status}`).join(', '),
    /** What the release's ConfigMap says; undefined where there is none. */
    async colour(): Promise<string | undefined> {
      return configMap.optional().parse(await find(resources.configMap, release))?.data.colour;
    },
    start,
    /** Runs the action to its end. */
    async deploy(inputs: Inputs, options: StartOptions = {}): Promise<Ended> {
      const started = await start({ ...(inputs.mode === undefined && { chart }), ...inputs }, options);
      const ended = await started.ended;
      await started.clean();
      return ended;
    },
    apply: (type: ResourceType, name: string, content: Readonly<Record<string, unknown>>) =>
      client.apply(type, { ...content, ...kindOf(type), metadata: { name, namespace } }, never),
    until: (what: string, condition: () => Promise<boolean>) =>
      waitUntil(condition, { what: `${what} in ${namespace}`, timeout: 30_000, signal: never }),
    /** Makes the record of the newest revision be as if Helm had died in the middle of it. */
    async leaveAs(status: string): Promise<void> {
      const record = newest(await records());
      const content: unknown = JSON.parse(await decoded(record.data.release));
      const left = releaseRecord.parse(content);
      const release = await encoded(JSON.stringify({ ...left, info: { ...left.info, status } }));
      const reference = { type: resources.secret, namespace, name: record.metadata.name };
      await client.patchMerge(reference, { metadata: { labels: { status } }, data: { release } }, never);
    },
    /** The chart as an archive. */
    async packed(): Promise<string> {
      await helm('package', chart, '--destination', bin);
      return join(bin, 'shop-1.2.3.tgz');
    },
    async close(): Promise<void> {
      await client.remove({ type: resources.namespace, namespace: '', name: namespace }, never);
      await client.close();
      await rm(bin, { recursive: true });
    },
  };
}

interface StartOptions {
  readonly runId?: string;
  readonly onOutput?: (text: string) => void;
}

/** An HTTP repository with one chart, behind a password. */
export async function serveCharts(archive: string, helm: Place['helm'], { username, password }: Login) {
  const folder = dirname(archive);
  await helm('repo', 'index', folder);
  const expected = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const server = createServer(async ({ url = '', headers }, response) => {
    if (headers.authorization !== expected) return response.writeHead(401).end();
    const file = await readFile(join(folder, basename(url))).catch(() => undefined);
    return file ? response.end(file) : response.writeHead(404).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = z.object({ port: z.number() }).parse(server.address());
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: async () => void server.close() };
}

function kindOf({ apiVersion, kind }: ResourceType) {
  return { apiVersion, kind };
}

/** What a lost machine does to a run: it and all that it has started end at once. */
export async function loseMachine({ main, kill, ended }: Run): Promise<void> {
  const children = await childrenOf(main.pid ?? 0);
  kill();
  for (const child of children) process.kill(child, 'SIGKILL');
  await ended;
}

async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  return stats.flatMap((stat) => {
    // The name in brackets may hold spaces.
    const [, pid, ppid] = /^(\d+) \(.*\) \S (\d+) /s.exec(stat) ?? [];
    return Number(ppid) === parent ? [Number(pid)] : [];
  });
}

/** Helm keeps each revision as gzipped JSON, in base64 once more than the API server's own. */
async function decoded(data: string): Promise<string> {
  const packed = Buffer.from(Buffer.from(data, 'base64').toString(), 'base64');
  return (await promisify(gunzip)(packed)).toString();
}

async function encoded(json: string): Promise<string> {
  const packed = await promisify(gzip)(json);
  return Buffer.from(packed.toString('base64')).toString('base64');
}

function newest(records: readonly KubernetesObject[]) {
  const parsed = records.map((record) => helmSecret.parse(record));
  const [last] = parsed.toSorted((a, b) => Number(b.metadata.labels.version) - Number(a.metadata.labels.version));
  if (!last) throw new Error('there is no revision');
  return last;
}

const configMap = z.looseObject({ data: z.looseObject({ colour: z.string() }) });
const helmSecret = z.looseObject({
  metadata: z.looseObject({ name: z.string(), labels: z.looseObject({ version: z.string() }) }),
  data: z.looseObject({ release: z.string() }),
});
const releaseRecord = z.looseObject({ info: z.looseObject({ status: z.string() }) });
