import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Credentials } from '../cluster/credentials.ts';

/** Characters from which on a secret can't be guessed: a seal stands where others read it, and could be compared with guesses. */
const STRONG = 32;

/** Seals what a run keeps in the cluster, so that a later one knows it for its own. */
export interface Seal {
  sign(text: string): string;
  verify(text: string, seal: string | undefined): boolean;
}

/** @param secret what those who may write the sealed objects do not know */
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
 * The seal of whoever has these credentials: by the key, the token or the password of the kubeconfig. Where a plugin gives others each time, by
 * the token that the runner gives to the steps of one job; without that, by a key that this process alone has.
 */
export function sealOf(config: Credentials, env: Readonly<Record<string, string | undefined>>): Seal {
  const user = config.getCurrentUser();
  const secrets = [user?.keyData, keyIn(user?.keyFile), user?.token, user?.password, env.ACTIONS_RUNTIME_TOKEN];
  return createSeal(secrets.find((secret) => secret !== undefined && secret.length >= STRONG));
}

/** Undefined for a file that can't be read: the first request says so. */
function keyIn(file: string | undefined): string | undefined {
  try {
    return file === undefined ? undefined : readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
