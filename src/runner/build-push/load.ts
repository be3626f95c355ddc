import { type GivenInputs, givenInputs, inputRefusal, parseInputs } from '../parse-inputs.ts';
import { type BuildPushInputs, buildPushContradictions, buildPushInputs } from './inputs.ts';

export interface LoadedBuildInputs {
  readonly inputs: BuildPushInputs;
  readonly secrets: readonly string[];
}

const ACTION = 'build-push';

/**
 * Reads all inputs of the action at once; every secret is masked before anything else.
 *
 * @throws SluiceError `invalid-input` that names everything that is wrong, and quotes no secret
 */
export function loadBuildInputs(
  env: Readonly<Record<string, string | undefined>>,
  mask: (secret: string) => void,
): LoadedBuildInputs {
  const given = givenInputs(env);
  const secrets = secretsOf(given);
  for (const secret of secrets) mask(secret);
  const inputs = parseInputs(buildPushInputs, given, ACTION);
  const problems = buildPushContradictions(inputs);
  if (problems.length > 0) throw inputRefusal(problems, ACTION);
  return { inputs, secrets };
}

/** Also of a text that can't be read: each of its lines may be a secret. */
function secretsOf(given: GivenInputs): string[] {
  const values = (given.secrets ?? '').split('\n').map((line) => line.replace(/^[^=]*=/, '').trim());
  const { password = '', username = '', 'cosign-password': cosign = '' } = given;
  // Docker sends both in one, which a log may show as it is.
  const basic = password === '' ? '' : Buffer.from(`${username.trim()}:${password.trim()}`, 'utf8').toString('base64');
  return [password.trim(), basic, cosign.trim(), ...values].filter((secret) => secret !== '');
}
