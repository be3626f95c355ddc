import { type GivenInputs, parseInputs } from '../../runner/parse-inputs.ts';
import { buildPushContradictions, cacheSecrets, isSuspicious } from './contradictions.ts';
import { dockerItems } from './docker-items.ts';
import { type BuildPushInputs, buildPushInputs } from './inputs.ts';

/** @throws SluiceError `invalid-input` that names every wrong input, and quotes no secret */
export function readBuildInputs(given: GivenInputs): BuildPushInputs {
  return parseInputs(buildPushInputs, given, 'build-push', buildPushContradictions);
}

/** The secrets in the inputs. Includes every line of a text that cannot be parsed, as each may be a secret. */
export function buildSecrets(given: GivenInputs): string[] {
  const written = (given.secrets ?? '').split(/\r?\n/);
  const values = [...(dockerItems(given.secrets ?? '') ?? []), ...written].flatMap((item) => {
    const value = item.replace(/^[^=]*=/, '').trim();
    // A log shows a text with several lines line by line.
    return [value, ...value.split(/\r?\n/)];
  });
  const { password = '', username = '', 'cosign-password': cosign = '', 'reuse-secret': reuse = '' } = given;
  // Docker sends user name and password as one Base64 text, which a log may show.
  const basic = password === '' ? '' : Buffer.from(`${username.trim()}:${password.trim()}`, 'utf8').toString('base64');
  return [password.trim(), basic, cosign.trim(), reuse.trim(), ...values, ...soundingSecret(given)].filter(
    (secret) => secret !== '',
  );
}

/** Shorter values of build arguments are ordinary words such as `true`. */
const SHORTEST_ARGUMENT = 6;

/** Values of build arguments and cache attributes whose names sound secret. */
function soundingSecret(given: GivenInputs): string[] {
  const argumentsGiven = (dockerItems(given['build-args'] ?? '') ?? []).flatMap((item) => {
    const [name = '', ...rest] = item.split('=');
    const value = rest.join('=').trim();
    return isSuspicious(name) && value.length >= SHORTEST_ARGUMENT ? [value] : [];
  });
  const caches = [given['cache-from'] ?? '', given['cache-to'] ?? ''].flatMap((text) => text.split(/\r?\n/));
  return [...argumentsGiven, ...caches.flatMap(cacheSecrets).map(({ value }) => value)];
}
