import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Repository } from '../../core/image-reference.ts';
import { type BuildWorld, buildPush } from '../../images/build-push.ts';
import { buildahBuilder } from '../../images/buildah.ts';
import type { Builder, BuildPolicy } from '../../images/builder.ts';
import { type BuilderChoice, buildxBuilder } from '../../images/buildx.ts';
import {
  buildahAuthFiles,
  buildahLogin,
  loginFrom,
  secretsOfAuthFile,
  secretsOfLogin,
  writeOwnAuthFile,
  writeOwnConfig,
} from '../../images/credentials.ts';
import { registriesConfigurations, writeRegistriesConfiguration } from '../../images/insecure-registries.ts';
import type { Login } from '../../images/registry/authorization.ts';
import { createRegistry } from '../../images/registry/registry.ts';
import type { Environment } from '../../runner/define.ts';
import { secretAttributes, suspiciousArgs } from './contradictions.ts';
import type { BuildPushInputs } from './inputs.ts';
import { orderOf } from './order.ts';
import type { BuildResult } from './outputs.ts';
import type { BuildRun } from './report.ts';
import { createSigner } from './signer.ts';
import { readSource } from './source.ts';
import type { BuildState } from './state.ts';

/** Builds what the inputs ask for; keeps login and secrets in a folder of this run. */
export async function buildWith(
  { inputs, env, facts, signal, save, mask }: BuildRun,
  scratch: string,
  emit: BuildWorld['emit'],
): Promise<BuildResult> {
  for (const name of suspiciousArgs(inputs)) {
    const text = `Build argument ${name} sounds like a secret: arguments stand in the image and its provenance. Use "secrets".`;
    emit({ type: 'warning', text });
  }
  for (const attribute of secretAttributes(inputs)) {
    const text = `"${attribute}" of a cache stands on the command line of the builder, where everybody on this machine can read it. Give it in the environment of the step (AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), where the cache can take it from there.`;
    emit({ type: 'warning', text });
  }
  const warn = (text: string) => emit({ type: 'warning', text });
  const source = await readSource(env, { workspace: facts.workspace, context: inputs.context }, warn, signal);
  const places = { workspace: facts.workspace, scratch, env, workflow: env.GITHUB_WORKFLOW_REF };
  const order = await orderOf(inputs, source, places);
  const logins = await logIn(inputs, env, scratch);
  mask(await secretsOfLogins(inputs, logins));
  const plainHttp = inputs['insecure-registries'] ?? [];
  const programEnv = { ...environmentOf(inputs, env, logins), ...(await registriesOf(inputs, env, scratch)) };
  const registry = createRegistry({
    plainHttp,
    patience: inputs['registry-timeout'],
    signal,
    pushTo: inputs.push ? order.repositories.map(({ name }) => name) : [],
    login: loginsOf(inputs, logins, { mask, signal }),
  });
  const policy = { signal, deadline: inputs.timeout, scratch, plainHttp, env: programEnv };
  const signer = createSigner(inputs, env, {
    signal,
    env: programEnv,
    scratch,
    registry,
    plainHttp,
    mask: (secret) => mask([secret]),
    onLine: (line) => emit({ type: 'note', text: line }),
  });
  const world: BuildWorld = {
    registry,
    policy,
    emit,
    builder: () => builderOf(inputs, `sluice-${facts.identity}`, policy, save),
    sign: signer.sign,
    evidence: signer.evidence,
  };
  try {
    const outcome = await buildPush(order, world);
    const { repositories, tags } = order;
    const verify = outcome.signed ? signer.verification(`${repositories[0]?.name}@${outcome.digest}`) : undefined;
    return {
      outcome,
      repositories,
      version: tags.version,
      ...(verify !== undefined && { verifySignature: verify }),
    };
  } finally {
    await registry.close();
  }
}

/** The environment by which builders and cosign find their files. */
function environmentOf(inputs: BuildPushInputs, env: Environment, logins: Logins): Record<string, string> {
  return {
    // Builders stay where other steps of the job know them.
    BUILDX_CONFIG: buildxFolder(env),
    // Only for a login of this run: without one, the usual file may not exist, and buildah fails if a named file is missing.
    ...(inputs.username !== undefined && {
      DOCKER_CONFIG: logins.folder,
      REGISTRY_AUTH_FILE: logins.authFiles[0] ?? '',
    }),
  };
}

/** The configuration that tells buildah about registries without TLS; empty where none are named. */
async function registriesOf(
  inputs: BuildPushInputs,
  env: Environment,
  scratch: string,
): Promise<Record<string, string>> {
  const plainHttp = inputs['insecure-registries'] ?? [];
  if (inputs['builder-kind'] !== 'buildah' || plainHttp.length === 0) return {};
  const path = join(scratch, 'registries.conf');
  await writeRegistriesConfiguration(registriesConfigurations(env, env.HOME || homedir()), path, plainHttp);
  return { CONTAINERS_REGISTRIES_CONF: path };
}

async function builderOf(
  inputs: BuildPushInputs,
  name: string,
  policy: Omit<BuildPolicy, 'onProgress'>,
  save: BuildRun['save'],
): Promise<Builder> {
  if (inputs['builder-kind'] === 'buildah') return buildahBuilder(name);
  const state: BuildState = { scratch: policy.scratch, builder: name.slice(0, 60) };
  return buildxBuilder(choiceOf(inputs), { name: name.slice(0, 60), beforeMaking: () => save(state) }, policy);
}

/**
 * Where logins are stored: the runner's own files, or files of this run that also contain the login from the inputs.
 */
interface Logins {
  /** Docker's folder. */
  readonly folder: string;
  /** Buildah's files; the first one with a login wins. */
  readonly authFiles: readonly string[];
}

async function logIn(inputs: BuildPushInputs, env: Environment, scratch: string): Promise<Logins> {
  const home = env.HOME || homedir();
  const folder = env.DOCKER_CONFIG || join(home, '.docker');
  const authFiles = buildahAuthFiles(env, home, process.getuid?.() ?? 0);
  const { username, password } = inputs;
  if (username === undefined || password === undefined) return { folder, authFiles };
  const own = { folder: join(scratch, 'docker'), authFiles: [join(scratch, 'containers', 'auth.json')] };
  const registry = inputs.registry ?? inputs.image?.[0]?.registry ?? 'docker.io';
  await writeOwnConfig(folder, own.folder, registry, { username, password });
  await writeOwnAuthFile(authFiles, join(scratch, 'containers', 'auth.json'), registry, { username, password });
  return own;
}

/** The secrets of all logins in the files that the builder is run with. */
async function secretsOfLogins(inputs: BuildPushInputs, { folder, authFiles }: Logins): Promise<string[]> {
  const files = inputs['builder-kind'] === 'buildah' ? authFiles : [join(folder, 'config.json')];
  return (await Promise.all(files.map(secretsOfAuthFile))).flat();
}

/** Finds the logins that the builder would use, and masks them. */
function loginsOf(
  inputs: BuildPushInputs,
  { folder, authFiles }: Logins,
  { mask, signal }: Pick<BuildRun, 'mask' | 'signal'>,
) {
  const buildah = inputs['builder-kind'] === 'buildah';
  return remembered(buildah ? 'name' : 'registry', async (repository) => {
    const login = buildah
      ? await buildahLogin(authFiles, repository, signal)
      : await loginFrom(folder, repository.registry, signal);
    if (login) mask(secretsOfLogin(login));
    return login;
  });
}

/** Asks a credential helper once per registry, or once per repository where repositories have their own logins. */
function remembered(by: 'registry' | 'name', login: (repository: Repository) => Promise<Login | undefined>) {
  const known = new Map<string, Promise<Login | undefined>>();
  return (repository: Repository) => {
    const found = known.get(repository[by]) ?? login(repository);
    known.set(repository[by], found);
    return found;
  };
}

export function buildxFolder(env: Environment): string {
  return env.BUILDX_CONFIG || join(env.DOCKER_CONFIG || join(env.HOME || homedir(), '.docker'), 'buildx');
}

function choiceOf(inputs: BuildPushInputs): BuilderChoice {
  const { builder, 'buildkit-address': address } = inputs;
  if (builder !== undefined) return { kind: 'named', name: builder };
  return address === undefined ? { kind: 'usual' } : { kind: 'remote', address };
}
