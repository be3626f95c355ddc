/** What the tests of image builds run on: a registry, BuildKit and buildx, all real and all on this machine alone. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { request as forward } from 'node:http';
import { createServer } from 'node:https';
import { networkInterfaces, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { request } from 'undici';
import * as z from 'zod';
import { buildBuilders, programPath } from '../../../lab/cluster/programs.ts';
import { actionFolder, type RunOptions, runAction } from '../../../lab/embedded/runner.ts';
import { cached } from '../../../lab/programs/cache.ts';
import { run } from '../../../lab/programs/commands.ts';
import { installPackages } from '../../../lab/programs/debian.ts';
import { buildFile } from '../../../lab/programs/golang.ts';
import { freePort } from '../../../lab/programs/processes.ts';
import { waitUntil } from '../../../lab/programs/wait.ts';

const never = new AbortController().signal;

/** The login of a registry that asks for one; the hash is what `htpasswd -B` makes of it. */
export const login = { username: 'builder', password: 'correct-horse' };
const htpasswd = 'builder:$2b$04$36jn03lEpI9FPipVhxohlO.xgcsztB4LuqJKgVFr6vXsdjzS7Q4Be';

/** Folder of the program that is in the images. */
async function toolFolder(): Promise<string> {
  const source = join(import.meta.dirname, 'tool/main.go');
  const version = createHash('sha256')
    .update(await readFile(source))
    .digest('hex')
    .slice(0, 12);
  return cached('image-tool', version, (dir) => buildFile(source, join(dir, 'tool'), never));
}

/** Builds and installs what is missing. */
export async function prepare(): Promise<void> {
  await installPackages(['docker-registry', 'runc', 'buildah'], never);
  await buildBuilders(never);
}

/** @param address where it listens; one that is not this machine's own is spoken to with TLS if nobody says otherwise */
export async function startRegistry({ asksForLogin = false, address = '127.0.0.1' } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-registry-'));
  const port = await freePort();
  const host = `${address}:${port}`;
  const passwords = join(folder, 'htpasswd');
  const storage = join(folder, 'storage');
  await writeFile(passwords, `${htpasswd}\n`);
  const config = {
    version: '0.1',
    log: { accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: storage } },
    http: { addr: host, secret: 'tests' },
    ...(asksForLogin && { auth: { htpasswd: { realm: 'tests', path: passwords } } }),
  };
  // JSON is YAML.
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  const child = spawn('docker-registry', ['serve', join(folder, 'config.json')], { stdio: 'ignore' });
  const authorization = `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
  const headers = asksForLogin ? { authorization } : {};
  const ask = async (path: string) => {
    const accept = 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json';
    const answer = await request(`http://${host}/v2/${path}`, { headers: { ...headers, accept } });
    return { status: answer.statusCode, text: await answer.body.text(), headers: answer.headers };
  };
  await waitUntil(async () => (await ask('')).status === 200, { what: 'registry', timeout: 20_000, signal: never });

  return {
    host,
    async tags(repository: string): Promise<string[]> {
      const { status, text } = await ask(`${repository}/tags/list`);
      if (status === 404) return [];
      const { tags } = z.object({ tags: z.array(z.string()).nullable() }).parse(JSON.parse(text));
      return (tags ?? []).toSorted();
    },
    async digest(repository: string, tag: string): Promise<string | undefined> {
      const { status, headers: found } = await ask(`${repository}/manifests/${tag}`);
      return status === 200 ? `${found['docker-content-digest']}` : undefined;
    },
    json: async (path: string): Promise<unknown> => JSON.parse((await ask(path)).text),
    /** Everything that is stored, layers unpacked: what a person could find who looks for something in it. */
    async contents(): Promise<Buffer[]> {
      const blobs = join(storage, 'docker/registry/v2/blobs');
      const entries = await readdir(blobs, { recursive: true, withFileTypes: true }).catch(() => []);
      const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      return Promise.all(
        files.map(async (file) => {
          const bytes = await readFile(file);
          return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
        }),
      );
    },
    async stop(): Promise<void> {
      await end(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** An address of this machine that nothing in it tells from that of another one. */
export function outerAddress(): string {
  const found = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const outer = found.find(({ family, internal }) => family === 'IPv4' && !internal);
  if (!outer) throw new Error('this machine has no address but those of its loopback interface');
  return outer.address;
}

/** Puts TLS before a registry, with a certificate that nobody trusts. */
export async function startUntrusted(target: string) {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-untrusted-'));
  const address = outerAddress();
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const subject = ['-subj', '/CN=registry', '-addext', `subjectAltName=IP:${address}`];
  const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', certificate];
  await run('openssl', ['req', ...made, ...subject]);
  const server = createServer({ key: await readFile(key), cert: await readFile(certificate) }, (asked, answer) => {
    const { method = 'GET', url = '/', headers } = asked;
    forward({ host: target.split(':')[0], port: target.split(':')[1], method, path: url, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    }).end();
  });
  const port = await freePort();
  server.listen(port, address);
  await once(server, 'listening');
  return {
    host: `${address}:${port}`,
    async stop(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type TestRegistry = Awaited<ReturnType<typeof startRegistry>>;

/** Starts BuildKit. `space` is what its disk holds, as mount says it: `48m`; without it, as much as there is. */
export async function startBuildKit({ space }: { space?: string } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-buildkit-'));
  const root = join(folder, 'root');
  await mkdir(root);
  if (space !== undefined) await run('mount', ['-t', 'tmpfs', '-o', `size=${space}`, 'tmpfs', root]);
  const address = `unix://${folder}/buildkitd.sock`;
  const args = ['--addr', address, '--root', root, '--oci-worker=true', '--containerd-worker=false'];
  const child = spawn(programPath('buildkitd'), args, { stdio: 'ignore' });
  await waitUntil(async () => (await readdir(folder)).includes('buildkitd.sock'), {
    what: 'buildkitd',
    timeout: 30_000,
    signal: never,
  });
  return {
    address,
    async stop(): Promise<void> {
      await end(child);
      if (space !== undefined) await run('umount', ['--lazy', root]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, 'exit');
}

/** What every build here is told, besides its inputs. */
const buildEnv = {
  PATH: [dirname(programPath('buildx')), dirname(programPath('cosign')), process.env.PATH].join(delimiter),
  GITHUB_REF: 'refs/heads/main',
  GITHUB_SHA: '1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d',
  SOURCE_DATE_EPOCH: '1767225600',
};

/** Makes a context: a Dockerfile, the tool, and other files by their names. */
export async function makeContext(dockerfile: string, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-context-'));
  await writeFile(join(folder, 'Dockerfile'), dockerfile);
  await copyFile(join(await toolFolder(), 'tool'), join(folder, 'tool'));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

/** Ends what a killed action has left running, as the runner does at the end of a job: it knows them by their environment. */
export async function endOrphans(workspace: string): Promise<void> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  for (const pid of pids.filter((other) => other !== process.pid)) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (environment.split('\0').includes(`GITHUB_WORKSPACE=${workspace}`)) process.kill(pid);
  }
}

/** What docker/setup-buildx-action does: makes a builder the current one. */
export async function setUpBuilder(name: string, address: string, config: string): Promise<void> {
  const args = ['create', '--name', name, '--use', '--driver', 'remote', address];
  await run(programPath('buildx'), args, { env: { BUILDX_CONFIG: config } });
}

/** A key, and a configuration in which no service of Sigstore takes part. */
export async function makeCosignKey(folder: string, password: string) {
  const cosign = programPath('cosign');
  await run(cosign, ['generate-key-pair'], { cwd: folder, env: { COSIGN_PASSWORD: password } });
  await run(cosign, ['signing-config', 'create', '--out', 'signing.json'], { cwd: folder });
  return { key: join(folder, 'cosign.key'), config: join(folder, 'signing.json') };
}

/** Whether a digest was signed with the key in that folder. */
export async function isSigned(image: string, folder: string): Promise<boolean> {
  const args = [
    'verify',
    '--key',
    join(folder, 'cosign.pub'),
    '--insecure-ignore-tlog',
    '--allow-http-registry',
    image,
  ];
  return run(programPath('cosign'), args).then(
    () => true,
    () => false,
  );
}

/** Starts the built action. */
export function startBuild(inputs: Readonly<Record<string, string>>, more: Partial<RunOptions> = {}) {
  const { env, ...rest } = more;
  return runAction({ action: actionFolder('build-push'), inputs, env: { ...buildEnv, ...env }, ...rest });
}

/** Runs the built action to its end. */
export async function build(inputs: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}) {
  const started = await startBuild(inputs, { env });
  try {
    const ended = await started.ended;
    const left = await readdir(started.workspace, { recursive: true });
    return { ...ended, left };
  } finally {
    await started.clean();
  }
}
