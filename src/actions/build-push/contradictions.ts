import type { BuildPushInputs } from './inputs.ts';

const secretName = /token|password|passwd|secret|credential|api_?key|private_?key/i;

/** Inputs that contradict each other, one sentence each. */
export function buildPushContradictions(inputs: BuildPushInputs): string[] {
  const given = (name: keyof BuildPushInputs) => inputs[name] !== undefined;
  const buildah = inputs['builder-kind'] === 'buildah';
  const { push, load, cache, sign } = inputs;
  const problems: string[] = [];
  const when = (condition: boolean, problem: string) => {
    if (condition) problems.push(problem);
  };
  when((push || load) && !inputs.image?.length, '"image" is needed: name the repository, or set "push" to false.');
  when(push && load, '"load" and "push" exclude each other: set "push" to false to load the image.');
  when(load && (inputs.platforms?.length ?? 0) > 1, '"load" takes one platform: docker holds no image of several.');
  when(given('username') !== given('password'), '"username" and "password" belong together: give both or none.');
  when(given('registry') && !given('username'), '"registry" says where "username" logs in: give that as well.');
  when(
    given('username') && !given('registry') && !given('image'),
    '"username" needs "registry" where there is no "image".',
  );
  when(given('builder') && given('buildkit-address'), '"builder" and "buildkit-address" exclude each other: give one.');
  when(
    (cache === 'local') !== given('cache-dir'),
    '"cache: local" and "cache-dir" belong together: give both or none.',
  );
  when(cache === 'registry' && !given('image'), '"cache: registry" keeps the cache beside "image": give that as well.');
  when((sign === 'key') !== given('cosign-key'), '"sign: key" and "cosign-key" belong together: give both or none.');
  when(given('cosign-signing-config') && sign === 'none', '"cosign-signing-config" is for "sign": give that as well.');
  when(given('cosign-password') && sign !== 'key', '"cosign-password" is for "sign: key".');
  when(given('reuse-secret') && !push, '"reuse-secret" needs "push": only what is pushed can be reused.');
  when(sign !== 'none' && !push, '"sign" needs "push": a signature lies beside the image in the registry.');
  if (buildah) {
    const foreign = (['builder', 'buildkit-address', 'annotations'] as const).filter((name) => given(name));
    const attesting = (['provenance', 'sbom'] as const).filter((name) => given(name) && inputs[name] !== 'false');
    for (const name of [...foreign, ...attesting]) problems.push(`"${name}" is for buildx: leave it out with buildah.`);
    when(cache !== 'none', '"cache" is for buildx: with buildah, give repositories in "cache-from" and "cache-to".');
    when(load, '"load" is for buildx: buildah has no docker to load into.');
    when(!push, 'buildah is used to push: set "push" to true, or build with buildx.');
  }
  const secrets = Object.entries(inputs.secrets ?? {});
  for (const id of Object.keys(inputs['secret-files'] ?? {}))
    when(
      secrets.some(([other]) => other === id),
      `"secrets" and "secret-files" both have ${id}: give it once.`,
    );
  for (const [name, value] of [...Object.entries(inputs['build-args'] ?? {}), ...Object.entries(inputs.labels ?? {})]) {
    const holds = secrets.some(([, secret]) => secret.length >= 4 && value.includes(secret));
    when(
      holds,
      `${name} has the value of a secret, and would stand in the image: use it as a secret in the Dockerfile.`,
    );
  }
  return problems;
}

/** Names of build arguments that sound secret. */
export function suspiciousArgs(inputs: Pick<BuildPushInputs, 'build-args'>): string[] {
  return Object.keys(inputs['build-args'] ?? {}).filter(isSuspicious);
}

/** Whether the name of a build argument sounds secret. */
export function isSuspicious(name: string): boolean {
  return secretName.test(name);
}

/** Names of secret attributes of caches, such as `secret_access_key`. */
export function secretAttributes(inputs: Pick<BuildPushInputs, 'cache-from' | 'cache-to'>): string[] {
  const caches = [...(inputs['cache-from'] ?? []), ...(inputs['cache-to'] ?? [])];
  return [...new Set(caches.flatMap((cache) => cacheSecrets(cache).map(({ name }) => name)))];
}

/** The secret attributes of a cache, with their values. */
export function cacheSecrets(cache: string): { readonly name: string; readonly value: string }[] {
  return cache.split(',').flatMap((field) => {
    // The attribute is a field of a CSV line, which may be quoted.
    const written = field.trim().replace(/^"/, '').replace(/"$/, '');
    const at = written.indexOf('=');
    const [name, value] = [written.slice(0, Math.max(0, at)), written.slice(at + 1)];
    return value !== '' && (secretName.test(name) || /access_key/i.test(name)) ? [{ name, value }] : [];
  });
}
