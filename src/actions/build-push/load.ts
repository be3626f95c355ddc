import { type GivenInputs, parseInputs } from '../../runner/parse-inputs.ts';
import { buildPushContradictions, cacheSecrets, isSuspicious } from './contradictions.ts';
import { dockerItems } from './docker-items.ts';
import { type BuildPushInputs, buildPushInputs } from './inputs.ts';

/** @throws SluiceError `invalid-input` that names everything that is wrong, and quotes no secret */
export function readBuildInputs(given: GivenInputs): BuildPushInputs {
  return parseInputs(buildPushInputs, given, 'build-push', buildPushContradictions);
}

/** Also of a text that can't be read: each of its lines may be a secret. */
export function buildSecrets(given: GivenInputs): string[] {
  const written = (given.secrets ?? '').split(/\r?\n/);
  const values = [...(dockerItems(given.secrets ?? '') ?? []), ...written].flatMap((item) => {
    const value = item.replace(/^[^=]*=/, '').trim();
    // A log shows a text of several lines line by line.
    return [value, ...value.split(/\r?\n/)];
  });
  const { password = '', username = '', 'cosign-password': cosign = '', 'reuse-secret': reuse = '' } = given;
  // Docker sends both in one, which a log may show as it is.
  const basic = password === '' ? '' : Buffer.from(`${username.trim()}:${password.trim()}`, 'utf8').toString('base64');
  return [password.trim(), basic, cosign.trim(), reuse.trim(), ...values, ...soundingSecret(given)].filter(
    (secret) => secret !== '',
  );
}

/** Shorter values of arguments are words such as `true`. */
const SHORTEST_ARGUMENT = 6;

/** Values of build arguments and of attributes of caches that are called as secrets are. */
function soundingSecret(given: GivenInputs): string[] {
  const argumentsGiven = (dockerItems(given['build-args'] ?? '') ?? []).flatMap((item) => {
    const [name = '', ...rest] = item.split('=');
    const value = rest.join('=').trim();
    return isSuspicious(name) && value.length >= SHORTEST_ARGUMENT ? [value] : [];
  });
  const caches = [given['cache-from'] ?? '', given['cache-to'] ?? ''].flatMap((text) => text.split(/\r?\n/));
  return [...argumentsGiven, ...caches.flatMap(cacheSecrets).map(({ value }) => value)];
}
