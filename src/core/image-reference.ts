import { SluiceError } from './errors.ts';

/** The place of an image, without tag and digest: `ghcr.io/acme/checkout`. */
export interface Repository {
  /** As written, and as credentials are stored for it: `ghcr.io`, `docker.io`, `127.0.0.1:5000`. */
  readonly registry: string;
  /** `acme/checkout` */
  readonly path: string;
  /** Registry and path, as the user wrote them. */
  readonly name: string;
}

/** The parts of an image as written, without validation. */
export interface ReferenceParts {
  /** Without tag and digest: `alpine`, `ghcr.io/acme/checkout`. */
  readonly name: string;
  /** Empty if nothing follows the colon. */
  readonly tag?: string;
  /** `sha256:…`; empty if nothing follows the `@`. */
  readonly digest?: string;
}

export interface Reference extends ReferenceParts {
  /** The whole reference, as written. */
  readonly text: string;
  readonly repository: Repository;
}

const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const pathPattern = new RegExp(`^${component}(?:/${component})*$`);
const hostPattern = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9-]+)*|\[[a-fA-F0-9:]+\])(?::\d+)?$/;
const digestPattern = /^(?:sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128})$/;
/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests */
export const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

const DOCKER_HUB = 'docker.io';
/** All host names of Docker Hub, which share credentials and images. */
const hubHosts = new Set([DOCKER_HUB, 'index.docker.io', 'registry-1.docker.io']);

/**
 * Reads `ghcr.io/acme/checkout`, and the short names of Docker Hub as docker does: `alpine` is `docker.io/library/alpine`.
 *
 * @throws SluiceError `invalid-input` for anything else, and for a name with a tag or digest
 */
export function parseRepository(text: string): Repository {
  // GitHub owners may have capitals in their names, repositories may not: docker/metadata-action converts to lower case as
  // well.
  const { tag, digest } = splitReference(text);
  if (tag !== undefined || digest !== undefined) {
    const named = tag === '' || digest === '' ? 'an empty tag or digest' : 'a tag or a digest';
    throw refusal(text, `names ${named} as well.`, 'Give the repository alone; its tags come from "tags".');
  }
  return parseReference(text.toLowerCase()).repository;
}

/**
 * Splits an image into its parts without validation: manifests may have placeholders there. The digest begins at the first `@`.
 * A colon begins the tag only after the last slash: before that, it is a port.
 */
export function splitReference(text: string): ReferenceParts {
  const at = text.indexOf('@');
  const named = at === -1 ? text : text.slice(0, at);
  const colon = named.lastIndexOf(':');
  const tagged = colon > named.lastIndexOf('/');
  return {
    name: tagged ? named.slice(0, colon) : named,
    ...(tagged && { tag: named.slice(colon + 1) }),
    ...(at !== -1 && { digest: text.slice(at + 1) }),
  };
}

/**
 * Reads an image with its tag or digest. The kubelet also refuses what this function refuses (`InvalidImageName`), except for
 * an owner with capitals (`Acme/shop`), which container runtimes take for a host.
 * https://github.com/distribution/reference
 *
 * @throws SluiceError `invalid-input`
 */
export function parseReference(text: string): Reference {
  const parts = splitReference(text);
  const { name, tag, digest } = parts;
  refuseEmptyParts(text, parts);
  if (digest !== undefined && !digestPattern.test(digest)) throw noDigest(text, digest);
  if (tag !== undefined && !tagPattern.test(tag)) throw noTag(text, tag);
  const repository = readRepository(name);
  if (repository) return { text, ...parts, repository };
  throw refusalOf(text, parts);
}

/** Explains why a name is not that of a repository. */
function refusalOf(text: string, { name, tag }: ReferenceParts): SluiceError {
  const lower = name.toLowerCase();
  if (lower !== name && readRepository(lower)) {
    const next = `Write it in lower case: ${lower}${text.slice(name.length)}.`;
    return refusal(text, 'has capitals in its repository, which no registry takes.', next);
  }
  const [, repository, algorithm] = /^(.+):(sha256|sha384|sha512)$/.exec(name) ?? [];
  if (algorithm !== undefined) {
    return refusal(text, 'joins its digest by a colon.', `Join it by "@": ${repository}@${algorithm}:${tag}.`);
  }
  const [, ...behind] = name.split('/');
  const rest = behind.join('/');
  return rest.includes(':') ? noTag(text, rest.slice(rest.indexOf(':') + 1)) : noImage(text);
}

/** Undefined for a text that names no repository. */
function readRepository(name: string): Repository | undefined {
  const slash = name.indexOf('/');
  const first = slash === -1 ? '' : name.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost';
  const registry = isHost ? first : DOCKER_HUB;
  const rest = isHost ? name.slice(slash + 1) : name;
  const hub = hubHosts.has(registry.toLowerCase());
  const path = hub && !rest.includes('/') ? `library/${rest}` : rest;
  const port = Number(/:(\d+)$/.exec(registry)?.[1] ?? 0);
  if (!hostPattern.test(registry) || port > 65_535 || !pathPattern.test(path)) return undefined;
  const host = hub ? DOCKER_HUB : registry;
  return { registry: host, path, name: `${host}/${path}` };
}

/** Empty parts mostly come from an expression of the workflow that was empty. */
function refuseEmptyParts(text: string, { tag, digest }: ReferenceParts): void {
  const [what, sign] = digest === '' ? ['digest', '@'] : ['tag', ':'];
  if (tag !== '' && digest !== '') return;
  const next = `Write the ${what} behind the "${sign}"; where an expression of the workflow gives it, that one is empty.`;
  throw refusal(text, `names an empty ${what}.`, next);
}

function noDigest(text: string, digest: string): SluiceError {
  const next = 'Write sha256: and 64 hexadecimal digits in lower case, as the registry shows them.';
  return refusal(text, `names the digest "${digest}", which is none.`, next);
}

function noTag(text: string, tag: string): SluiceError {
  const next = 'A tag has at most 128 letters, digits, "_", "." and "-", and begins with neither "." nor "-".';
  return refusal(text, `names the tag "${tag}", which no registry takes.`, next);
}

/** The host of the registry's API. */
export function apiHost({ registry }: Repository): string {
  return registry === DOCKER_HUB ? 'registry-1.docker.io' : registry;
}

/** Whether a registry is on this machine; docker and BuildKit then use no TLS by default. */
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
