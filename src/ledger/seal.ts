import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Credentials } from '../cluster/credentials.ts';

/** A secret of this many characters can't be guessed: others can read a seal, and compare it with guesses. */
const STRONG = 32;

/** Signs what a run keeps in the cluster, so that a later run recognizes it as its own. */
export interface Seal {
  sign(text: string): string;
  verify(text: string, seal: string | undefined): boolean;
}

/** @param secret unknown to others who may write the sealed objects */
export function createSeal(secret: string | Buffer = randomBytes(32)): Seal {
  const key = createHmac('sha256', secret).update('sluice seal 1').digest();
  const sign = (text: string) => createHmac('sha256', key).update(text).digest('hex');
  return {
    sign,
    verify(text, seal) {
      const [given, own] = [Buffer.from(seal ?? ''), Buffer.from(sign(text))];
      return given.length === own.length && timingSafeEqual(given, own);
    },
  };
}

/**
 * The seal for the holder of these credentials: keyed by the key, the token or the password of the kubeconfig. If a plugin
 * gives new credentials each time, by the runner's token, which is the same for all steps of a job; without one, by a random
 * key of this process.
 */
export function sealOf(config: Credentials, env: Readonly<Record<string, string | undefined>>): Seal {
  const user = config.getCurrentUser();
  const secrets = [user?.keyData, keyIn(user?.keyFile), user?.token, user?.password, env.ACTIONS_RUNTIME_TOKEN];
  return createSeal(secrets.find((secret) => secret !== undefined && secret.length >= STRONG));
}

/** Undefined for an unreadable file: the first request reports it. */
function keyIn(file: string | undefined): string | undefined {
  try {
    return file === undefined ? undefined : readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
