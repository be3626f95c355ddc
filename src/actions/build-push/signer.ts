import { type Evidence, sealedEvidence, signedEvidence } from '../../images/evidence.ts';
import type { Registry } from '../../images/registry/registry.ts';
import { isSigned, type Signing, type SignPolicy, sign } from '../../images/sign.ts';
import { workflowIdentity } from './identity.ts';
import type { BuildPushInputs } from './inputs.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What is needed to sign images and to prove their origin. */
interface SignerWorld extends Omit<SignPolicy, 'signingConfig'> {
  /** A folder that belongs to this run alone. */
  readonly scratch: string;
  readonly registry: Pick<Registry, 'digest' | 'tag'>;
  /** Is called with texts that must not be shown. */
  mask(secret: string): void;
}

/** How this run signs images, and how it recognizes images that were built here. */
export function createSigner(inputs: BuildPushInputs, env: Environment, world: SignerWorld) {
  const signing = signingOf(inputs);
  const signingConfig = inputs['cosign-signing-config'];
  return {
    sign:
      signing && ((image: string, key: string | undefined) => sign(image, key, signing, { ...world, signingConfig })),
    evidence: evidenceOf(inputs['reuse-secret'], signing, env, world),
    /** The command that verifies the signature of an image; undefined where images are not signed. */
    verification: (image: string) => signing && verification(signing, image, env),
  };
}

function evidenceOf(
  secret: string | undefined,
  signing: Signing | undefined,
  env: Environment,
  world: SignerWorld,
): Evidence | undefined {
  if (secret !== undefined) return sealedEvidence(secret, world.registry);
  if (!signing) return undefined;
  return signedEvidence(async (image, key) => {
    const identity = signing.kind === 'keyless' ? await workflowIdentity(env, world.mask, world.signal) : undefined;
    return isSigned(image, key, { signing, identity }, world);
  });
}

function signingOf(inputs: BuildPushInputs): Signing | undefined {
  const { sign: how, 'cosign-key': key, 'cosign-password': password = '' } = inputs;
  if (how === 'none') return undefined;
  return how === 'key' && key !== undefined ? { kind: 'key', key, password } : { kind: 'keyless' };
}

function verification(signing: Signing, image: string, env: Environment): string {
  if (signing.kind === 'key') return `cosign verify --key cosign.pub ${image}`;
  const repository = `${env.GITHUB_SERVER_URL ?? 'https://github.com'}/${env.GITHUB_REPOSITORY ?? ''}`;
  const issuer = 'https://token.actions.githubusercontent.com';
  return `cosign verify --certificate-identity-regexp '^${repository}/' --certificate-oidc-issuer ${issuer} ${image}`;
}
