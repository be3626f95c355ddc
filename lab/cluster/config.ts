import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LAB, LabError } from '../programs/commands.ts';
import { addresses, endpoints, kubeconfigPath, logDir, ports, runDir } from './layout.ts';

export const nodeUser = `system:node:${LAB}` as const;

/** Users of the API server and their groups. Their rights are Kubernetes' defaults, or in manifests/. */
const users = {
  admin: 'system:masters',
  'system:kube-controller-manager': '',
  'system:kube-scheduler': '',
  'system:kube-proxy': '',
  [nodeUser]: 'system:nodes',
  istiod: '',
} as const;

export const configPath = (file: string) => join(runDir, 'config', file);
export const kubeconfigOf = (user: keyof typeof users) => join(runDir, 'kubeconfigs', user);
export const tokenFile = join(runDir, 'tokens.csv');
export const serviceAccountKey = join(runDir, 'service-account.key');
/** The API server creates its own certificate at its first start; the file also holds the authority that signed it. */
export const certificateDir = join(runDir, 'certificates');
export const certificateFile = join(certificateDir, 'apiserver.crt');

const values: Readonly<Record<string, string>> = {
  lab: LAB,
  run: runDir,
  logs: logDir,
  node: addresses.node,
  pods: addresses.pods,
  registry: endpoints.registry,
  registryPort: `${ports.registry}`,
  gatewayPort: `${ports.gateway}`,
  prometheusPort: `${ports.prometheus}`,
  istiodPort: `${ports.istiod}`,
};

/** Replaces `$name`, also from the given values. Throws a LabError for an unknown name. */
export function render(template: string, file: string, more: Readonly<Record<string, string>> = {}): string {
  return template.replace(/\$([a-z]\w*)/gi, (_, name: string) => {
    const value = more[name] ?? values[name];
    if (value === undefined) throw new LabError(`${file} asks for $${name}, which config.ts does not have`);
    return value;
  });
}

/** Writes all files that the components read at their start. */
export async function writeConfig(): Promise<void> {
  const templates = join(import.meta.dirname, 'config');
  const registries = join(runDir, 'registries', endpoints.registry);
  for (const dir of ['config', 'kubeconfigs', 'certificates']) {
    await mkdir(join(runDir, dir), { recursive: true, mode: 0o700 });
  }
  for (const file of await readdir(templates)) {
    await writeFile(configPath(file), render(await readFile(join(templates, file), 'utf8'), file));
  }
  await mkdir(registries, { recursive: true });
  const registry = `http://${endpoints.registry}`;
  // No fallback to another registry: a missing image is an error.
  await writeFile(join(registries, 'hosts.toml'), `server = "${registry}"\n[host."${registry}"]\n`);
  await writeCredentials();
}

async function writeCredentials(): Promise<void> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(serviceAccountKey, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
  const rows: string[] = [];
  for (const [user, group] of Object.entries(users)) {
    const token = randomBytes(16).toString('hex');
    rows.push([token, user, user, ...(group ? [`"${group}"`] : [])].join(','));
    await writeKubeconfig(join(runDir, 'kubeconfigs', user), user, token);
    if (user === 'admin') await writeKubeconfig(kubeconfigPath, user, token);
  }
  await writeFile(tokenFile, `${rows.join('\n')}\n`, { mode: 0o600 });
}

/** JSON is YAML: every client reads it. */
export async function writeKubeconfig(path: string, user: string, token: string): Promise<void> {
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': LAB,
    contexts: [{ name: LAB, context: { cluster: LAB, user } }],
    clusters: [{ name: LAB, cluster: { server: endpoints.apiserver, 'certificate-authority': certificateFile } }],
    users: [{ name: user, user: { token } }],
  };
  await writeFile(path, `${JSON.stringify(kubeconfig, null, 2)}\n`, { mode: 0o600 });
}
