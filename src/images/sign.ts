import { join } from 'node:path';
import { SluiceError } from '../core/errors.ts';
import { isLocalHost, parseReference } from '../core/image-reference.ts';
import { run } from '../core/process.ts';

/** How images are signed with cosign. */
export type Signing =
  /** With the identity of this workflow; needs `id-token: write`. */
  | { readonly kind: 'keyless' }
  /** A file, or the URI of a key in a KMS. */
  | { readonly kind: 'key'; readonly key: string; readonly password: string };

export interface SignPolicy {
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string>>;
  /** Path of a signing configuration, which names the services to use instead of the public ones, if any. */
  readonly signingConfig: string | undefined;
  /** Hosts that are used without TLS, besides those of this machine. */
  readonly plainHttp: readonly string[];
  readonly onLine: (line: string) => void;
}

/** Milliseconds. */
const DEADLINE = 120_000;

/**
 * A signature without a key uses the identity of the job; cosign also logs in to GitHub's registry with the job's token.
 */
const tokens = ['identity', 'github'] as const;

/** The signer of a signature without a key, as the certificate names it. */
export interface Identity {
  /** `https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main` */
  readonly subject: string;
  /** `https://token.actions.githubusercontent.com` */
  readonly issuer: string;
}

/** The annotation of a signature that names the content. */
const CONTENT = 'sluice.dev/content';

/**
 * Signs an image by its digest, including all platforms and attestations.
 *
 * @param image `ghcr.io/acme/checkout@sha256:…`
 * @param key of its content, which the signature names
 * @throws SluiceError `not-found` without cosign, `failed` where signing fails
 */
export async function sign(
  image: string,
  key: string | undefined,
  signing: Signing,
  policy: SignPolicy,
): Promise<void> {
  const { signal, onLine } = policy;
  const env = { ...policy.env, COSIGN_PASSWORD: signing.kind === 'key' ? signing.password : '' };
  const { exitCode, stderr } = await run(
    { file: 'cosign', args: signArguments(image, signing, policy, key), env, tokens },
    { signal, deadline: DEADLINE, onLine },
  );
  if (exitCode === 0) return;
  throw new SluiceError('failed', {
    about: `signature of ${image}`,
    problem: `cosign ended with exit status ${exitCode}: ${stderr.trim().split('\n').at(-1)}.`,
    next:
      signing.kind === 'keyless'
        ? 'Give the job "id-token: write", and let it reach Fulcio and Rekor; no tag was put.'
        : 'Check "cosign-key" and "cosign-password", and that Rekor can be reached or "cosign-signing-config" names none; no tag was put.',
  });
}

export function signArguments(
  image: string,
  signing: Signing,
  { signingConfig, plainHttp }: Pick<SignPolicy, 'signingConfig' | 'plainHttp'>,
  key?: string,
): string[] {
  return [
    'sign',
    '--yes',
    '--recursive',
    ...(signing.kind === 'key' ? ['--key', signing.key] : []),
    ...(signingConfig === undefined ? [] : ['--signing-config', signingConfig]),
    ...(key === undefined ? [] : ['-a', `${CONTENT}=${key}`]),
    ...withoutTls(image, plainHttp),
    image,
  ];
}

/** Only for the registry of this image: the flag lets cosign use any registry without TLS. */
function withoutTls(image: string, plainHttp: readonly string[]): string[] {
  const { registry } = parseReference(image).repository;
  return plainHttp.includes(registry) || isLocalHost(registry) ? ['--allow-http-registry'] : [];
}

/**
 * Whether an image has a signature of this signer that names this content. False where the signature cannot be checked.
 *
 * @param identity of this run, for signatures without a key
 * @throws SluiceError `not-found` without cosign
 */
export async function isSigned(
  image: string,
  key: string,
  { signing, identity }: { readonly signing: Signing; readonly identity: Identity | undefined },
  policy: Omit<SignPolicy, 'onLine' | 'signingConfig'> & { readonly scratch: string },
): Promise<boolean> {
  const signer = await signerArguments(signing, identity, policy);
  if (!signer) return false;
  const args = ['verify', ...signer, '-a', `${CONTENT}=${key}`, ...withoutTls(image, policy.plainHttp), image];
  return (await cosign(args, {}, policy)).exitCode === 0;
}

async function signerArguments(
  signing: Signing,
  identity: Identity | undefined,
  policy: Pick<SignPolicy, 'signal' | 'env'> & { readonly scratch: string },
): Promise<readonly string[] | undefined> {
  if (signing.kind === 'keyless') {
    const { subject, issuer } = identity ?? {};
    if (subject === undefined || issuer === undefined) return undefined;
    return ['--certificate-identity', subject, '--certificate-oidc-issuer', issuer];
  }
  const file = join(policy.scratch, 'cosign.pub');
  const password = { COSIGN_PASSWORD: signing.password };
  const { exitCode } = await cosign(['public-key', '--key', signing.key, '--outfile', file], password, policy);
  // A signature by a key needs no transparency log to prove its time.
  return exitCode === 0 ? ['--key', file, '--insecure-ignore-tlog=true'] : undefined;
}

function cosign(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  policy: Pick<SignPolicy, 'signal' | 'env'>,
) {
  const { signal } = policy;
  return run({ file: 'cosign', args, env: { ...policy.env, ...env }, tokens }, { signal, deadline: DEADLINE });
}
