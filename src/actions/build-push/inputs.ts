// biome-ignore-all lint/suspicious/noTemplateCurlyInString: workflow expressions are what users write
import * as z from 'zod';
import { parseRepository } from '../../core/image-reference.ts';
import { parseTagRule } from '../../images/tags.ts';
import { input } from '../../runner/input-schema.ts';
import { boolean, choice, duration, inputType, itemsOf, list, text, wrong } from '../../runner/input-types.ts';
import { reportInput } from '../../runner/shared-inputs.ts';
import { namedLines } from './docker-items.ts';

const folder = inputType('a folder of the repository', (given) =>
  /^(?:[a-z+]+:\/\/|git@|github\.com\/|-$)/.test(given)
    ? wrong(`"${given}" is not on this runner: check it out in an earlier step, and give its folder.`)
    : given,
);

const repositories = inputType('REGISTRY/PATH, a line for each repository', (given) =>
  itemsOf(given).map(parseRepository),
);

const tagRules = inputType('some of semver, branch, pr, sha, latest; or tags', (given) =>
  itemsOf(given).map(parseTagRule),
);

const lines = inputType('lines', (given) =>
  given
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== ''),
);

const semverText = inputType('a version such as 1.2.3', (given) =>
  /^v?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?$/.test(given) ? given : wrong(`"${given}" is no version such as 1.2.3.`),
);

const immutable = inputType('versions, all, none, or patterns such as release-*', (given) =>
  given === 'none' ? [] : itemsOf(given),
);

const reuseSecret = inputType('a secret of at least 16 characters', (given) =>
  given.length < 16 ? wrong('is shorter than 16 characters, and could be guessed.') : given,
);

/** `true`, `false`, or BuildKit's attributes: `mode=max`, `generator=IMAGE`. */
const attestation = inputType('true, false, or attributes such as mode=max', (given) => {
  if (given === 'true' || given === 'false') return given;
  return /^[a-z-]+=[^,\s]+(?:,[a-z-]+=[^,\s]+)*$/.test(given)
    ? given
    : wrong(`"${given}" is neither true, false, nor attributes such as mode=max.`);
});

const address = inputType('unix:///PATH, tcp://HOST:PORT or another address of buildkitd', (given) =>
  /^[a-z-]+:\/\/.+/.test(given) ? given : wrong(`"${given}" is no address such as tcp://buildkit:1234.`),
);

/** Every input of `actions/build-push`. The runner's names, `action.yml` and the documentation follow this list. */
export const buildPushInputs = z.strictObject({
  image: input(repositories, {
    group: 'image',
    description: 'Where the image is pushed to, without a tag; several repositories a line each.',
    example: 'ghcr.io/acme/checkout',
  }),
  tags: input(tagRules, {
    group: 'image',
    description:
      'Where its tags come from. `semver`: the Git tag v1.2.3 gives 1.2.3, 1.2, 1 and latest, a pre-release its own alone; a line that a newer version has stays there. `branch`, `pr` (pr-12) and `sha` (sha-1a2b3c4) give theirs where they apply; `latest` always. Anything else is a tag, also as `raw=TAG`.',
    default: 'semver, branch, pr, sha',
    example: 'semver, sha',
  }),
  version: input(semverText, {
    group: 'image',
    description: 'The version for `semver`, where the Git tag does not name it.',
    example: '1.2.3',
  }),
  labels: input(namedLines, {
    group: 'image',
    description:
      'Further labels. Those of OCI (source, revision, created, version, title, …) are set from the repository and the commit; these go before them.',
    example: 'com.acme.team=checkout',
  }),
  annotations: input(lines, {
    group: 'image',
    description: 'Further annotations: KEY=VALUE, or with a level as buildx reads them, `index:KEY=VALUE`.',
    example: 'index:com.acme.team=checkout',
  }),
  'immutable-tags': input(immutable, {
    group: 'image',
    description:
      'Tags that are never moved once they exist: `versions` (1.2.3, 1.2.3-rc.1), `all`, `none`, or patterns.',
    default: 'versions',
    example: 'versions, release-*',
  }),

  context: input(folder, {
    group: 'source',
    description: 'Folder of the repository that is built.',
    default: '.',
    example: 'services/checkout',
  }),
  file: input(text, {
    group: 'source',
    description: 'The Dockerfile, from the root of the repository. Without it, `Dockerfile` of the context.',
    example: 'services/checkout/Dockerfile',
  }),
  target: input(text, {
    group: 'source',
    description: 'Stage of the Dockerfile to build. Without it, its last one.',
    example: 'production',
  }),
  platforms: input(list, {
    group: 'source',
    description: 'Platforms to build for. Without it, that of the builder.',
    example: 'linux/amd64, linux/arm64',
  }),
  'build-args': input(namedLines, {
    group: 'source',
    description: 'Build arguments. They stand in the image and its provenance: never put a secret here.',
    example: 'GO_VERSION=1.26',
  }),
  secrets: input(namedLines, {
    group: 'source',
    description:
      'Secrets for `RUN --mount=type=secret,id=NAME`. Masked; they lie in files of mode 0600 while the build runs, and in no layer.',
    example: 'npm=${{ secrets.NPM_TOKEN }}',
  }),
  'secret-files': input(namedLines, {
    group: 'source',
    description: 'Secrets that are files: ID=PATH.',
    example: 'netrc=/home/runner/.netrc',
  }),
  ssh: input(lines, {
    group: 'source',
    description: 'Agents or keys for `RUN --mount=type=ssh`: `default`, or ID=PATH.',
    example: 'default',
  }),
  'no-cache': input(boolean, {
    group: 'source',
    description: 'Run every step anew, also where the content is in the registry.',
    default: 'false',
    example: 'true',
  }),
  pull: input(boolean, {
    group: 'source',
    description: 'Always fetch base images anew. A base that has moved is a new content also without it.',
    default: 'false',
    example: 'true',
  }),
  reuse: input(boolean, {
    group: 'source',
    description:
      'Take an image that is in the registry with the same content, where `reuse-secret` or `sign` proves that it was built here, instead of building it again.',
    default: 'true',
    example: 'false',
  }),
  'reuse-secret': input(reuseSecret, {
    group: 'source',
    description:
      'A secret of at least 16 characters that proves which images were built by runs that have it: what they have built is reused. Without it, only images with the signature of `sign` are. Masked.',
    example: '${{ secrets.SLUICE_REUSE }}',
  }),

  push: input(boolean, {
    group: 'registry',
    description: 'Push the image. `false` builds it and keeps nothing, as a check of a pull request.',
    default: 'true',
    example: "${{ github.event_name != 'pull_request' }}",
  }),
  load: input(boolean, {
    group: 'registry',
    description: 'Load the image into docker of this runner instead. Needs `push: false`.',
    default: 'false',
    example: 'true',
  }),
  username: input(text, {
    group: 'registry',
    description: 'Login, for this run alone. Without it, the logins and credential helpers of docker are used.',
    example: '${{ github.actor }}',
  }),
  password: input(text, {
    group: 'registry',
    description: 'Password or token of `username`. Masked; gone after the run.',
    example: '${{ github.token }}',
  }),
  registry: input(text, {
    group: 'registry',
    description: 'The registry of `username`. Without it, that of the first image.',
    example: 'ghcr.io',
  }),
  'insecure-registries': input(list, {
    group: 'registry',
    description:
      'Registries that are spoken to without TLS, besides those of this machine. For labs. A builder that exists already has to know them by its own configuration where the image goes to registries with TLS as well.',
    example: 'registry.lab:5000',
  }),
  'registry-timeout': input(duration, {
    group: 'registry',
    description: 'How long one request to the registry may take, with its repetitions.',
    default: '30s',
    example: '1m',
  }),

  'builder-kind': input(choice('buildx', 'buildah'), {
    group: 'builder',
    description: 'What builds: BuildKit by `docker buildx` or `buildx`, or buildah, which needs no daemon.',
    default: 'buildx',
    example: 'buildah',
  }),
  builder: input(text, {
    group: 'builder',
    description:
      'A builder of buildx that exists. Without it, the current one (docker/setup-buildx-action); where that is docker itself, one is made for this run.',
    example: 'big',
  }),
  'buildkit-address': input(address, {
    group: 'builder',
    description: 'Address of a BuildKit that runs already.',
    example: 'tcp://buildkit:1234',
  }),
  cache: input(choice('registry', 'gha', 'local', 'none'), {
    group: 'builder',
    description:
      'Where the cache of steps is kept from run to run: `registry` (tag `sluice-cache` of the first image), `gha` (GitHub’s cache), `local` (`cache-dir`).',
    default: 'none',
    example: 'gha',
  }),
  'cache-dir': input(text, {
    group: 'builder',
    description: 'Folder of `cache: local`.',
    example: '/var/cache/buildkit',
  }),
  'cache-from': input(lines, {
    group: 'builder',
    description: 'Further caches to read, as buildx or buildah names them, a line each.',
    example: 'type=registry,ref=ghcr.io/acme/checkout:cache',
  }),
  'cache-to': input(lines, {
    group: 'builder',
    description: 'Further caches to write, a line each.',
    example: 'type=registry,ref=ghcr.io/acme/checkout:cache,mode=max',
  }),

  provenance: input(attestation, {
    group: 'supply',
    description: 'Attest how the image was built (SLSA). Without it, `mode=max` with buildx; buildah has none.',
    example: 'mode=min',
  }),
  sbom: input(attestation, {
    group: 'supply',
    description:
      'Attest what is in the image (SPDX). Without it, `true` with buildx; `generator=IMAGE` names another scanner.',
    example: 'generator=ghcr.io/acme/scanner:1',
  }),
  sign: input(choice('none', 'keyless', 'key'), {
    group: 'supply',
    description:
      'Sign the digest with cosign, which an earlier step installs: `keyless` by the identity of the workflow (`id-token: write`), or with `cosign-key`.',
    default: 'none',
    example: 'keyless',
  }),
  'cosign-key': input(text, {
    group: 'supply',
    description: 'Path of the private key, its URI in a KMS, or `env://NAME` of a variable that holds it.',
    example: 'awskms:///alias/release',
  }),
  'cosign-signing-config': input(text, {
    group: 'supply',
    description:
      'Path of a signing configuration (`cosign signing-config create`): a Sigstore of your own, or no transparency log. Without it, the public one.',
    example: 'signing-config.json',
  }),
  'cosign-password': input(text, {
    group: 'supply',
    description: 'Password of `cosign-key`. Masked.',
    example: '${{ secrets.COSIGN_PASSWORD }}',
  }),

  timeout: input(duration, {
    group: 'behaviour',
    description: 'How long the build may take.',
    default: '30m',
    example: '1h',
  }),
  'dry-run': input(boolean, {
    group: 'behaviour',
    description: 'Check everything and say what would be built and which tags it would get, without a change.',
    default: 'false',
    example: 'true',
  }),
  report: reportInput('image.json'),
});

export type BuildPushInputs = z.infer<typeof buildPushInputs>;
