import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, resolve } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import * as z from 'zod';
import { SluiceError } from '../canary/errors.ts';

export interface ConfigOptions {
  /** A path, or the file's content; empty means: as kubectl would find it (KUBECONFIG, ~/.kube/config, in the cluster). */
  readonly kubeconfig: string;
  /** Empty means the file's current context. */
  readonly context: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Loads the credentials as kubectl would. Exec plugins and token files are the library's: they are asked again when what they
 * gave has expired.
 *
 * @throws SluiceError `invalid-input` for a file that is missing or can't be read as a kubeconfig, or an unknown context.
 */
export function loadConfig(options: ConfigOptions): KubeConfig {
  const config = new KubeConfig();
  const given = options.kubeconfig.trim();
  try {
    if (given === '') config.loadFromDefault();
    else if (isContent(given)) config.loadFromString(given);
    else config.loadFromFile(given);
    if (isContent(given)) followTokenFiles(config, given, process.cwd());
    else for (const path of given === '' ? defaultPaths(options.env) : [given]) followTokenFilesOf(config, path);
  } catch (cause) {
    throw new SluiceError('invalid-input', {
      about: 'input "kubeconfig"',
      // The parser's own message may quote the file, which holds credentials.
      problem:
        given === '' || isContent(given) || existsSync(given)
          ? 'is not a kubeconfig that can be read.'
          : whatIsMissing(given),
      next: 'Give the path of a kubeconfig or its content, or set KUBECONFIG.',
      cause: given === '' ? cause : undefined,
    });
  }
  if (options.context !== '') config.setCurrentContext(options.context);
  const cluster = config.getCurrentCluster();
  if (!cluster || (given === '' && cluster.server === 'http://localhost:8080' && !options.env.KUBECONFIG)) {
    const names = config.getContexts().map((context) => context.name);
    throw new SluiceError('invalid-input', {
      about: options.context === '' ? 'input "kubeconfig"' : `input "context" (${options.context})`,
      problem:
        cluster || names.length === 0 ? 'names no cluster.' : `names no cluster; the contexts are ${names.join(', ')}.`,
      next: 'Log in to the cluster in an earlier step, or give "kubeconfig" and "context".',
    });
  }
  return config;
}

function isContent(given: string): boolean {
  return given.includes('\n') || given.startsWith('{');
}

const tokenFiles = z.looseObject({
  users: z
    .array(z.looseObject({ name: z.string(), user: z.looseObject({ tokenFile: z.string().optional() }).nullish() }))
    .nullish(),
});

/** The library drops `tokenFile` of a kubeconfig's user; its reader of token files, which looks again each minute, takes it. */
function followTokenFiles(config: KubeConfig, text: string, folder: string): void {
  for (const { name, user } of tokenFiles.parse(parse(text)).users ?? []) {
    if (user?.tokenFile === undefined) continue;
    const authProvider = { name: 'tokenFile', config: { tokenFile: resolve(folder, user.tokenFile) } };
    config.users = config.users.map((known) =>
      known.name === name && !known.token ? { ...known, authProvider } : known,
    );
  }
}

function followTokenFilesOf(config: KubeConfig, path: string): void {
  followTokenFiles(config, readFileSync(path, 'utf8'), dirname(path));
}

/** The files of KUBECONFIG; those of the home folder and of a pod name no token file that the library would drop. */
function defaultPaths(env: ConfigOptions['env']): string[] {
  return (env.KUBECONFIG ?? '').split(delimiter).filter((path) => path !== '' && existsSync(path));
}

function whatIsMissing(given: string): string {
  return given.length < 300 ? `no file is at ${given}.` : 'is neither a path nor a kubeconfig.';
}

/** The namespace of the current context, `default` where it names none. */
export function defaultNamespace(config: KubeConfig): string {
  return config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
}
