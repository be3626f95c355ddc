import { type GivenInputs, givenInputs } from './parse-inputs.ts';
import { createRedact, type Redact } from './redact.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface Loaded<Inputs> {
  readonly inputs: Inputs;
  readonly secrets: readonly string[];
  /** Removes these secrets from a text. */
  readonly redact: Redact;
}

/**
 * Reads the inputs of an action, after handing every secret in them to `mask`.
 *
 * @throws SluiceError `invalid-input`, as `read` does
 */
export function readGiven<Inputs>(
  env: Environment,
  mask: (secret: string) => void,
  secretsOf: (given: GivenInputs) => readonly string[],
  read: (given: GivenInputs) => Inputs,
): Loaded<Inputs> {
  const given = givenInputs(env);
  const secrets = secretsOf(given).filter((secret) => secret.trim() !== '');
  for (const secret of secrets) mask(secret);
  return { inputs: read(given), secrets, redact: createRedact(secrets) };
}
