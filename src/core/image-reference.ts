import { SluiceError } from './errors.ts';

/** Where an image lives, without tag and digest: `ghcr.io/acme/checkout`. */
export interface Repository {
  /** As it is written and as credentials are kept for it: `ghcr.io`, `docker.io`, `127.0.0.1:5000`. */
  readonly registry: string;
  /** `acme/checkout` */
  readonly path: string;
  /** Both, as a user writes it. */
  readonly name: string;
}

export interface Reference {
  readonly repository: Repository;
  readonly tag?: string;
  readonly digest?: string;
}

const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const pathPattern = new RegExp(`^${component}(?:/${component})*$`);
const hostPattern = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9-]+)*|\[[a-fA-F0-9:]+\])(?::\d+)?$/;
const digestPattern = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-fA-F0-9]{32,}$/;
/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests */
export const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

const DOCKER_HUB = 'docker.io';
/** All names of Docker Hub: credentials and images are the same ones under each. */
const hubHosts = new Set([DOCKER_HUB, 'index.docker.io', 'registry-1.docker.io']);

/**
 * Reads `ghcr.io/acme/checkout`, and the short names of Docker Hub as docker does: `alpine` is `docker.io/library/alpine`.
 *
 * @throws SluiceError `invalid-input` for what names no repository, or names a tag as well
 */
export function parseRepository(text: string): Repository {
  // Names have no capitals, as those of owners on GitHub may: docker/metadata-action writes them small as well.
  const { repository, tag, digest } = parseReference(text.toLowerCase());
  if (tag !== undefined || digest !== undefined) {
    throw refusal(text, 'names a tag or a digest as well.', 'Give the repository alone; its tags come from "tags".');
  }
  return repository;
}

/**
 * Reads an image with the tag or digest that it names.
 * https://github.com/distribution/reference
 *
 * @throws SluiceError `invalid-input`
 */
export function parseReference(text: string): Reference {
  const [withTag = '', digest, ...more] = text.split('@');
  if (more.length > 0 || (digest !== undefined && !digestPattern.test(digest))) throw noImage(text);
  const colon = withTag.lastIndexOf(':');
  const tagged = colon > withTag.lastIndexOf('/');
  const name = tagged ? withTag.slice(0, colon) : withTag;
  const tag = tagged ? withTag.slice(colon + 1) : undefined;
  if (tag !== undefined && !tagPattern.test(tag)) throw noImage(text);

  const slash = name.indexOf('/');
  const first = slash === -1 ? '' : name.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  const registry = isHost ? first : DOCKER_HUB;
  const rest = isHost ? name.slice(slash + 1) : name;
  const hub = hubHosts.has(registry.toLowerCase());
  const path = hub && !rest.includes('/') ? `library/${rest}` : rest;
  const port = Number(/:(\d+)$/.exec(registry)?.[1] ?? 0);
  if (!hostPattern.test(registry) || port > 65_535 || !pathPattern.test(path)) throw noImage(text);
  const host = hub ? DOCKER_HUB : registry;
  const repository = { registry: host, path, name: `${host}/${path}` };
  return { repository, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}

/** The host that answers the registry's API. */
export function apiHost({ registry }: Repository): string {
  return registry === DOCKER_HUB ? 'registry-1.docker.io' : registry;
}

/** Names of this machine, which docker and BuildKit speak to without TLS by themselves. */
export function isLocalHost(registry: string): boolean {
  const host = registry.replace(/:\d+$/, '');
  return host === 'localhost' || host === '[::1]' || /^127\./.test(host);
}

function noImage(text: string): SluiceError {
  return refusal(text, 'is no name of an image.', 'Write REGISTRY/PATH in lower case, such as ghcr.io/acme/checkout.');
}

function refusal(text: string, problem: string, next: string): SluiceError {
  return new SluiceError('invalid-input', { about: `image "${text}"`, problem: `"${text}" ${problem}`, next });
}
