import { SluiceError } from '../canary/errors.ts';
import { run } from '../process.ts';

/** How images are signed with cosign. */
export type Signing =
  /** By the identity of this workflow: needs `id-token: write`. */
  | { readonly kind: 'keyless' }
  /** A file, or the URI of a key in a KMS. */
  | { readonly kind: 'key'; readonly key: string; readonly password: string };

export interface SignPolicy {
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string>>;
  /** Path of a signing configuration: which services are used instead of the public ones, if any. */
  readonly signingConfig: string | undefined;
  /** The registry is spoken to without TLS. */
  readonly plainHttp: boolean;
  readonly onLine: (line: string) => void;
}

/** Milliseconds. */
const DEADLINE = 120_000;

/**
 * Signs an image by its digest, all platforms and attestations with it.
 *
 * @param image `ghcr.io/acme/checkout@sha256:…`
 * @throws SluiceError `not-found` without cosign, `failed` where it does not sign
 */
export async function sign(image: string, signing: Signing, policy: SignPolicy): Promise<void> {
  const { signal, onLine } = policy;
  const env = { ...policy.env, COSIGN_PASSWORD: signing.kind === 'key' ? signing.password : '' };
  const { exitCode, stderr } = await run(
    { file: 'cosign', args: signArguments(image, signing, policy), env },
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
): string[] {
  return [
    'sign',
    '--yes',
    '--recursive',
    ...(signing.kind === 'key' ? ['--key', signing.key] : []),
    ...(signingConfig === undefined ? [] : ['--signing-config', signingConfig]),
    ...(plainHttp ? ['--allow-http-registry'] : []),
    image,
  ];
}
