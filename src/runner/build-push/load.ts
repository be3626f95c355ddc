import { type GivenInputs, parseInputs } from '../parse-inputs.ts';
import { type BuildPushInputs, buildPushContradictions, buildPushInputs } from './inputs.ts';

/** @throws SluiceError `invalid-input` that names everything that is wrong, and quotes no secret */
export function readBuildInputs(given: GivenInputs): BuildPushInputs {
  return parseInputs(buildPushInputs, given, 'build-push', buildPushContradictions);
}

/** Also of a text that can't be read: each of its lines may be a secret. */
export function buildSecrets(given: GivenInputs): string[] {
  const values = (given.secrets ?? '').split('\n').map((line) => line.replace(/^[^=]*=/, '').trim());
  const { password = '', username = '', 'cosign-password': cosign = '' } = given;
  // Docker sends both in one, which a log may show as it is.
  const basic = password === '' ? '' : Buffer.from(`${username.trim()}:${password.trim()}`, 'utf8').toString('base64');
  return [password.trim(), basic, cosign.trim(), ...values].filter((secret) => secret !== '');
}
